// Any bytes as a model's file.
#include "model_in_memory.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string content(reinterpret_cast<const char*>(data), size);
  if (const auto model = fastnn::fuzz::loaded(content)) fastnn::fuzz::use(*model);
  return 0;
}
