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
  std::string dtype;  // "F32", "BF16", …
  std::vector<std::size_t> shape;
};

struct Header {
  std::map<std::string, std::string> metadata;
  std::vector<TensorInfo> tensors;  // in the order of their data
};

// What a file may hold. `model`: at most kMaxTensors tensors, all F32 or F64 and none empty. `any`: what NumPy can
// hold.
enum class Contents { model, any };

// Returns how many bytes the tensor's data has. Throws ModelFormatError for 2^63 and more, UnsupportedModelError for a
// dtype that fastnn does not know; `file` begins the message.
std::uint64_t data_bytes(const TensorInfo& tensor, const std::string& file);

// Parses `text`, the header with its padding. `data_size` bytes follow it, which the tensors must tile exactly.
// `file` begins every message.
Header parse_header(const std::string& text, std::uint64_t data_size, const std::string& file, Contents contents);

// Returns the text of a Header, the same for the same Header: keys sorted, no spaces but the padding, which aligns the
// data to 8 bytes. The tensors' names must differ, and all text be UTF-8.
std::string header_text(const Header& header, const std::string& file);

}  // namespace fastnn::io
