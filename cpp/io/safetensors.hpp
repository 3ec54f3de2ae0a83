// The safetensors container, read and written more strictly than its reference implementation. Knows nothing of
// networks. Header and data are two steps, so that a caller can refuse a file before memory for its data is taken.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "file.hpp"

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

// Reads and checks the header of a file; no data is in memory yet. Throws ModelFormatError, UnsupportedModelError,
// LimitError, FileError.
Header read_header(Input& input, Contents contents);

// Reads what follows the header: data[i] gets the data_bytes() of header.tensors[i], which are skipped if it is null.
// Throws ModelFormatError if the file's size changed since it was opened.
void read_data(Input& input, const Header& header, const std::vector<char*>& data);

// Writes a model's tensors; data[i] are the bytes of header.tensors[i]. Refuses what read_header would
// refuse, before it creates a file.
void write_safetensors(const std::string& path, const Header& header, const std::vector<const char*>& data);

}  // namespace fastnn::io
