// A strict JSON reader for untrusted files: no duplicate keys, bounded depth and size, valid UTF-8, no NUL.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "fastnn/error.hpp"

namespace fastnn::io {

using Json = nlohmann::json;
using Keys = std::vector<std::string>;

// Owns a JSON value and empties it leaf by leaf in its destructor. nlohmann's destructor of a nested value allocates,
// and if memory is short that ends the process (test_allocation_failures.py).
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

// Parses `text`. Every error message begins with `what`, for example "model.safetensors: header".
// Throws ModelFormatError, and LimitError if the text has more than kMaxJsonItems keys and values.
Document parse_strict(const std::string& text, const std::string& what);

// Returns the kind of a value for error messages: "a string", "a negative whole number", …
std::string json_kind(const Json& value);

// Throws ModelFormatError unless `json` is an object with all `required` keys. Throws `Unknown` (ModelFormatError or
// UnsupportedModelError) for a key that is neither required nor optional. The message begins with `where`.
template <class Unknown = UnsupportedModelError>
void check_object(const Json& json, const Keys& required, const Keys& optional, const std::string& where);

}  // namespace fastnn::io
