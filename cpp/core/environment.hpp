// Environment variables that choose what is otherwise chosen by itself.
#pragma once

#include <cstdlib>
#include <string>
#include <string_view>

namespace fastnn {

// Empty where it is not set.
inline std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// For an error's text, which is one line of UTF-8.
inline std::string printable(std::string_view text) {
  std::string result;
  for (const char c : text) result += c >= ' ' && c <= '~' ? c : '?';
  return result;
}

}  // namespace fastnn
