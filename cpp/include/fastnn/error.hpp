// The exceptions of fastnn; beside them, functions throw only std::bad_alloc. what() is one sentence, the same as in
// Python: what was expected, what was received, and where it helps what to do.
//
//   try {
//     const auto model = fastnn::Model::load("digits.safetensors");
//   } catch (const fastnn::Error& error) {
//     std::fprintf(stderr, "%s\n", error.what());
//   }
#pragma once

#include <stdexcept>
#include <string>

namespace fastnn {

struct Error : std::invalid_argument {
  using std::invalid_argument::invalid_argument;
};

// The file is not a valid fastnn model. what() names the file and the fault.
struct ModelFormatError : Error {
  using Error::Error;
};
// The file is well formed, but this version does not know its dtype, a layer, or its format version.
struct UnsupportedModelError : ModelFormatError {
  using ModelFormatError::ModelFormatError;
};
// The file exceeds a limit of fastnn, for example on the number of layers.
struct LimitError : ModelFormatError {
  using ModelFormatError::ModelFormatError;
};

// The operating system refuses to open, read or write the file `path`; `code` is errno.
struct FileError : Error {
  FileError(const std::string& sentence, const std::string& file, int number)
      : Error(sentence), path(file), code(number) {}
  std::string path;
  int code;
};

}  // namespace fastnn
