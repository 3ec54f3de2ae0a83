// Fuzzes the reader of model files with arbitrary bytes.
#include "model_in_memory.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string content(reinterpret_cast<const char*>(data), size);
  fastnn::fuzz::read_and_use(content);
  return 0;
}
