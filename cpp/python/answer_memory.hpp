// Memory of large answers. The system gives new memory page by page, which takes longer than writing it once more, so
// the memory of the last large answer that was dropped is kept for the next one. If the next one is larger, or less
// than half as large, that memory is given back. glibc itself keeps memory up to 32 MiB.
#pragma once

#include <pybind11/pybind11.h>

#include <cstddef>

namespace fastnn::border {

// Answers of so many bytes are large. More than kMostKeptBytes are not kept.
constexpr std::size_t kLargeAnswerBytes = std::size_t{32} << 20;
constexpr std::size_t kMostKeptBytes = std::size_t{256} << 20;

// Finds NumPy's functions for AnswerMemory.
void prepare_answer_memory();

// While it lives, NumPy takes the memory of new arrays here, unless the program has set a handler of its own (NEP 49).
class AnswerMemory {
 public:
  AnswerMemory();
  ~AnswerMemory();
  AnswerMemory(const AnswerMemory&) = delete;
  AnswerMemory& operator=(const AnswerMemory&) = delete;

 private:
  void set_back();

  PyObject* before_;  // the handler that NumPy had
};

}  // namespace fastnn::border
