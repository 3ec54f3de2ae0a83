// JSON as strict as a file from a stranger needs it: no duplicate keys, bounded depth and size, valid UTF-8, no NUL.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace fastnn::io {

using Json = nlohmann::json;

// The value of `text`. `what` opens every message, e.g. "model.safetensors: header".
// Throws ModelFormatError, or LimitError when the text has more than kMaxJsonItems keys and values.
Json parse_strict(const std::string& text, const std::string& what);

// "a string", "a negative whole number", …
std::string json_kind(const Json& value);

}  // namespace fastnn::io
