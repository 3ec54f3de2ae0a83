// Recognises the format of a file by its first bytes. Nothing is opened or decoded.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace fastnn::io {

// Enough first bytes: the name of a zip file's first member ends there, which PyTorch makes of a file's name.
inline constexpr std::size_t kBeginningBytes = 512;

// What to do with a model of TensorFlow.
inline constexpr std::string_view kSaveKeras =
    "save it from Keras as one file, model.save('model.keras'), or convert it to ONNX with tf2onnx";

struct Format {
  std::string_view reader;       // of Python's: "keras", "onnx", "torch", "nnet", "fastnn"; "other" if there is none
  std::string_view description;  // "a gzip file"; empty for safetensors and unknown files
  std::string_view advice;       // what to do instead
  bool is_pickled = false;
};

// Returns the format of a file with these first kBeginningBytes.
Format format_of(std::string_view beginning);

// Throws ModelFormatError, or UnsupportedModelError for pickled files, if the format is known and not safetensors.
// `file` begins the message; `expected` is what would be read.
void refuse_foreign(std::string_view beginning, const std::string& file, std::string_view expected);

}  // namespace fastnn::io
