// JSON as strict as a file from a stranger needs it: no duplicate keys, bounded depth and size, valid UTF-8, no NUL.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "fastnn/error.hpp"

namespace fastnn::io {

using Json = nlohmann::json;
using Keys = std::vector<std::string>;

// The value of `text`. `what` opens every message, e.g. "model.safetensors: header".
// Throws ModelFormatError, or LimitError when the text has more than kMaxJsonItems keys and values.
Json parse_strict(const std::string& text, const std::string& what);

// "a string", "a negative whole number", …
std::string json_kind(const Json& value);

// Throws ModelFormatError unless `json` is an object with all `required` keys, and `Unknown`, ModelFormatError or
// UnsupportedModelError, for a key that is neither required nor optional. `where` opens the message.
template <class Unknown = UnsupportedModelError>
void check_object(const Json& json, const Keys& required, const Keys& optional, const std::string& where);

}  // namespace fastnn::io
