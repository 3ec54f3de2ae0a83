// The JSON header of a safetensors file: text to Header and back, with every rule of the format checked.
#pragma once

#include <cstdint>
#include <string>

#include "safetensors.hpp"

namespace fastnn::io {

// `text` is the header with its padding, `data_size` the number of bytes behind it, which the tensors must tile
// exactly. `file` opens every message.
Header parse_header(const std::string& text, std::uint64_t data_size, const std::string& file);

// One text for one Header: keys sorted, no spaces but the padding, which brings the data to a multiple of 8.
std::string header_text(const Header& header, const std::string& file);

}  // namespace fastnn::io
