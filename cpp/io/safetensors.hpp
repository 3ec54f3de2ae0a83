// The safetensors container, read and written more strictly than its reference implementation. Knows nothing of
// networks. Header and data are two steps, so that a caller can refuse a file before memory for its data is taken:
//
//   const Descriptor opened = open_to_read(path);
//   InputFile input(opened.number(), path);
//   SafetensorsFile file(input, Contents::model);  // the header is checked, no data is in memory
//   … file.header() …
//   file.read_data(data);                          // data[i] gets the bytes of header().tensors[i]
#pragma once

#include <string>
#include <vector>

#include "file.hpp"
#include "header.hpp"

namespace fastnn::io {

class SafetensorsFile {
 public:
  // Throws ModelFormatError, UnsupportedModelError, LimitError, FileError. `input` must outlive this.
  SafetensorsFile(Input& input, Contents contents);

  const std::string& name() const noexcept { return input_.name(); }
  const Header& header() const noexcept { return header_; }

  // Call once. data[i] has data_bytes() of tensor i. Throws ModelFormatError if the file's size changed since it was
  // opened.
  void read_data(const std::vector<char*>& data);

 private:
  Input& input_;
  Header header_;
};

// Writes a model's tensors; data[i] are the bytes of header.tensors[i]. Refuses what SafetensorsFile would refuse,
// before it creates a file.
void write_safetensors(const std::string& path, const Header& header, const std::vector<const char*>& data);

}  // namespace fastnn::io
