// JSON as strict as a file from a stranger needs it: no duplicate keys, bounded depth and size, valid UTF-8, no NUL.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "fastnn/error.hpp"

namespace fastnn::io {

using Json = nlohmann::json;
using Keys = std::vector<std::string>;

// A value and all in it, taken apart leaf by leaf at the end: nlohmann's destructor of a value that is not empty
// allocates, and where memory is short that is the end of the process (test_allocation_failures.py).
class Document {
 public:
  explicit Document(Json root = nullptr) : root_(std::move(root)) {}
  ~Document();
  Document(Document&&) = default;
  Json& root() { return root_; }
  const Json& root() const { return root_; }

 private:
  Json root_;
};

// The value of `text`. `what` opens every message, e.g. "model.safetensors: header".
// Throws ModelFormatError, or LimitError when the text has more than kMaxJsonItems keys and values.
Document parse_strict(const std::string& text, const std::string& what);

// "a string", "a negative whole number", …
std::string json_kind(const Json& value);

// Throws ModelFormatError unless `json` is an object with all `required` keys, and `Unknown`, ModelFormatError or
// UnsupportedModelError, for a key that is neither required nor optional. `where` opens the message.
template <class Unknown = UnsupportedModelError>
void check_object(const Json& json, const Keys& required, const Keys& optional, const std::string& where);

}  // namespace fastnn::io
