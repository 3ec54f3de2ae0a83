// See text.hpp. It has its own small UTF-8 decoder: a name in a message must neither break the terminal nor the
// conversion to a Python str, and the standard library has none.
#include "text.hpp"

#include <cstdint>
#include <cstdio>

namespace fastnn::io {
namespace {

struct Character {
  std::uint32_t code;
  std::size_t bytes;  // 0: invalid UTF-8
};

Character decode(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const std::size_t bytes = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < bytes) return {lead, 0};
  std::uint32_t code = lead & (0x7fu >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xc0u) != 0x80u) return {lead, 0};
    code = code << 6 | (byte(i) & 0x3fu);
  }
  const std::uint32_t smallest = bytes == 4 ? 0x10000 : bytes == 3 ? 0x800 : 0x80;
  const bool surrogate = code >= 0xd800 && code <= 0xdfff;
  if (code < smallest || code > 0x10ffff || surrogate) return {lead, 0};
  return {code, bytes};
}

bool is_shown(std::uint32_t code) {
  const auto within = [code](std::uint32_t first, std::uint32_t last) { return code >= first && code <= last; };
  const bool control = code < 0x20 || within(0x7f, 0x9f);
  const bool invisible = code == 0xad || within(0x200b, 0x200f) || within(0x2028, 0x202e) || within(0x2060, 0x206f);
  return !(control || invisible || code == 0x61c || code == 0xfeff || within(0xe0000, 0xe0fff));
}

std::string escape_code(const char* format, std::uint32_t code) {
  char text[16];
  std::snprintf(text, sizeof text, format, static_cast<unsigned>(code));
  return text;
}

std::string escape_first(std::string_view text, Character c) {
  if (c.bytes == 0) return escape_code("\\x%02x", c.code);
  if (c.code == '\\') return "\\\\";
  if (is_shown(c.code)) return std::string(text.substr(0, c.bytes));
  return escape_code("\\u{%x}", c.code);
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const Character c = decode(text);
    result += escape_first(text, c);
    text.remove_prefix(c.bytes == 0 ? 1 : c.bytes);
  }
  return result;
}

std::string shown(std::string_view text) {
  constexpr std::size_t kShownBytes = 60;
  if (text.size() <= kShownBytes) return "'" + escaped(text) + "'";
  std::size_t cut = kShownBytes;
  while (cut > kShownBytes - 3 && (static_cast<unsigned char>(text[cut]) & 0xc0u) == 0x80u) --cut;
  return "'" + escaped(text.substr(0, cut)) + "…' (" + std::to_string(text.size()) + " bytes)";
}

std::string shape_text(const std::vector<std::size_t>& shape) {
  std::string result = "(";
  for (std::size_t i = 0; i < shape.size(); ++i) result += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  return result + (shape.size() == 1 ? ",)" : ")");
}

}  // namespace fastnn::io
