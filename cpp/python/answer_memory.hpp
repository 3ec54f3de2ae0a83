// Memory of large answers. The system gives new memory page by page, which takes longer than writing it once more, so
// the memory of the last large answer that was dropped is kept for the next one. If that is larger, or less than half
// as large, it is given back. glibc itself keeps memory up to 32 MiB.
#pragma once

#include <pybind11/pybind11.h>

#include <cstddef>

namespace fastnn::border {

// Answers of so many bytes are large. More than kMostKeptBytes are not kept.
constexpr std::size_t kLargeAnswerBytes = std::size_t{32} << 20;
constexpr std::size_t kMostKeptBytes = std::size_t{256} << 20;

// While it lives, arrays that NumPy makes in this thread take their memory here.
class AnswerMemory {
 public:
  AnswerMemory();
  ~AnswerMemory();
  AnswerMemory(const AnswerMemory&) = delete;

 private:
  PyObject* before_;  // the handler of memory that NumPy had
};

}  // namespace fastnn::border
