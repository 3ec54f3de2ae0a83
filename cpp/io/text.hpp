// Formats the content of a file for error messages. The result is valid UTF-8 on one line, whatever bytes the file has.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace fastnn::io {

// Escapes text. Invalid UTF-8 becomes \xff, a backslash \\, and control, bidirectional and line-breaking characters
// become \u{202e}.
std::string escaped(std::string_view text);

// Returns 'text' in quotes, escaped, and cut after about 60 bytes.
std::string shown(std::string_view text);

// Returns a shape as Python writes it: (), (3,), (3, 4).
std::string shape_text(const std::vector<std::size_t>& shape);

}  // namespace fastnn::io
