// Reads environment variables that override defaults (FASTNN_ISA, FASTNN_NUM_THREADS), and shows their values in error
// messages.
#pragma once

#include <cstdlib>
#include <string>
#include <string_view>

namespace fastnn {

// Returns the value of an environment variable, empty if it is not set.
inline std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// Replaces everything but printable ASCII by '?': an error message is one line of valid UTF-8.
inline std::string printable(std::string_view text) {
  std::string result;
  for (const char c : text) result += c >= ' ' && c <= '~' ? c : '?';
  return result;
}

}  // namespace fastnn
