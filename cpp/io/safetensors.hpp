// The safetensors container, read and written more strictly than its reference implementation. Knows nothing of
// networks. Header and data are two steps, so that a caller can refuse a file before memory for its data is taken:
//
//   InputFile input(path);
//   SafetensorsFile file(input);                            // the header is checked, no data is in memory
//   … file.header() …
//   std::vector<std::vector<char>> data = file.read_data();  // data[i] are the bytes of header().tensors[i]
#pragma once

#include <string>
#include <vector>

#include "file.hpp"
#include "header.hpp"

namespace fastnn::io {

class SafetensorsFile {
 public:
  // Throws ModelFormatError, UnsupportedModelError, LimitError, FileError. `input` must outlive this.
  explicit SafetensorsFile(Input& input);

  const std::string& name() const noexcept { return input_.name(); }
  const Header& header() const noexcept { return header_; }

  // Once. Throws ModelFormatError when the file's size has changed since it was opened.
  std::vector<std::vector<char>> read_data();

 private:
  Input& input_;
  Header header_;
};

// data[i] are the bytes of header.tensors[i]. What SafetensorsFile would refuse is refused here, before a file is made.
void write_safetensors(const std::string& path, const Header& header, const std::vector<const char*>& data);

}  // namespace fastnn::io
