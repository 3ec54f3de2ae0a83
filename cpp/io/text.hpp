// How messages show what a file holds: always valid UTF-8 on one line, whatever bytes a name is made of.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace fastnn::io {

// Bytes that are not UTF-8 become \xff; control, bidirectional and line-breaking characters \u{202e}; a backslash \\.
std::string escaped(std::string_view text);

// 'text', escaped and cut after about 60 characters.
std::string shown(std::string_view text);

// As Python writes a tuple: (), (3,), (3, 4).
std::string shape_text(const std::vector<std::size_t>& shape);

}  // namespace fastnn::io
