// What fastnn's functions throw, beside std::bad_alloc. what() is one sentence: what was expected, what was received;
// the same one as in Python.
#pragma once

#include <stdexcept>
#include <string>

namespace fastnn {

struct Error : std::invalid_argument {
  using std::invalid_argument::invalid_argument;
};

// A file is not a valid fastnn model; what() names the file and the fault.
struct ModelFormatError : Error {
  using Error::Error;
};
// It is well formed but asks for what this version does not know (a dtype, a layer, a format version).
struct UnsupportedModelError : ModelFormatError {
  using ModelFormatError::ModelFormatError;
};
// It is larger, in some count, than fastnn reads.
struct LimitError : ModelFormatError {
  using ModelFormatError::ModelFormatError;
};

// What the system says of a file.
struct FileError : Error {
  FileError(const std::string& sentence, const std::string& file, int number)
      : Error(sentence), path(file), code(number) {}
  std::string path;
  int code;  // errno
};

}  // namespace fastnn
