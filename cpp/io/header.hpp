// The JSON header of a safetensors file: text to Header and back, with every rule of the format checked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace fastnn::io {

struct TensorInfo {
  std::string name;
  std::string dtype;  // "F32" or "F64"
  std::vector<std::size_t> shape;
};

struct Header {
  std::map<std::string, std::string> metadata;
  std::vector<TensorInfo> tensors;  // in the order of their data
};

// shape's product x the dtype's bytes. Throws ModelFormatError for a product of 0 or of 2^64 and more,
// UnsupportedModelError for another dtype; `file` opens the message.
std::uint64_t data_bytes(const TensorInfo& tensor, const std::string& file);

// `text` is the header with its padding, `data_size` the number of bytes behind it, which the tensors must tile
// exactly. `file` opens every message.
Header parse_header(const std::string& text, std::uint64_t data_size, const std::string& file);

// One text for one Header, whose tensors' names differ and whose text is UTF-8: keys sorted, no spaces but the padding,
// which brings the data to a multiple of 8.
std::string header_text(const Header& header, const std::string& file);

}  // namespace fastnn::io
