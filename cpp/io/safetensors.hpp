// The safetensors container, read and written more strictly than its reference implementation. Knows nothing of
// networks. Header and data are two steps, so that a caller can refuse a file before memory for its data is taken.
#pragma once

#include <string>
#include <vector>

#include "file.hpp"
#include "header.hpp"

namespace fastnn::io {

// Reads and checks the header of a file; no data is in memory yet. Throws ModelFormatError, UnsupportedModelError,
// LimitError, FileError.
Header read_header(Input& input, Contents contents);

// Reads what follows the header: data[i] gets the data_bytes() of header.tensors[i]. Throws ModelFormatError if the
// file's size changed since it was opened.
void read_data(Input& input, const Header& header, const std::vector<char*>& data);

// Writes a model's tensors; data[i] are the bytes of header.tensors[i]. Refuses what read_header
// would refuse, before it creates a file.
void write_safetensors(const std::string& path, const Header& header, const std::vector<const char*>& data);

}  // namespace fastnn::io
