// See json.hpp. The text is walked once to check it and once to build the value: nlohmann's parse callback could do
// both at once, but it looks at all earlier siblings each time an object ends, which is quadratic.
#include "json.hpp"

#include <algorithm>
#include <cstddef>
#include <set>
#include <vector>

#include "limits.hpp"
#include "text.hpp"

namespace fastnn::io {
namespace {

class Checker : public nlohmann::json_sax<Json> {
 public:
  explicit Checker(const std::string& what) : what_(what) {}

  bool null() override { return count(); }
  bool boolean(bool) override { return count(); }
  bool number_integer(number_integer_t) override { return count(); }
  bool number_unsigned(number_unsigned_t) override { return count(); }
  bool number_float(number_float_t, const string_t&) override { return count(); }
  bool binary(binary_t&) override { return count(); }
  bool string(string_t& text) override { return check_text(text) && count(); }

  bool key(string_t& text) override {
    check_text(text);
    if (!keys_.back().insert(text).second) throw ModelFormatError(what_ + " has the key " + shown(text) + " twice");
    return count();
  }

  bool start_object(std::size_t) override { return open(); }
  bool start_array(std::size_t) override { return open(); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  // The library's own text is not passed on: it may hold the file's bytes as they are.
  bool parse_error(std::size_t position, const std::string&, const Json::exception&) override {
    throw ModelFormatError(what_ + " is not valid JSON in UTF-8 at byte " + std::to_string(position));
  }

 private:
  bool count() {
    if (++items_ <= kMaxJsonItems) return true;
    throw LimitError(what_ + " has more than " + std::to_string(kMaxJsonItems) +
                     " keys and values, the most that fastnn reads");
  }

  bool check_text(const std::string& text) const {
    if (text.find('\0') == std::string::npos) return true;
    throw ModelFormatError(what_ + " has a NUL character in the text " + shown(text));
  }

  bool open() {
    if (keys_.size() == kMaxJsonDepth) {
      throw ModelFormatError(what_ + " is nested deeper than " + std::to_string(kMaxJsonDepth) + " levels");
    }
    keys_.emplace_back();
    return count();
  }

  bool close() {
    keys_.pop_back();
    return true;
  }

  const std::string& what_;
  std::size_t items_ = 0;
  std::vector<std::set<std::string>> keys_;  // of each open object; an array's stays empty
};

bool contains(const Keys& keys, const std::string& key) {
  return std::find(keys.begin(), keys.end(), key) != keys.end();
}

std::string listed(const Keys& required, const Keys& optional) {
  std::string text;
  for (const Keys* keys : {&required, &optional}) {
    for (const std::string& key : *keys) text += (text.empty() ? "" : ", ") + key;
  }
  return text.empty() ? "none" : text;
}

}  // namespace

Json parse_strict(const std::string& text, const std::string& what) {
  // nlohmann takes a NUL for the end of its input and would not see what follows.
  if (text.find('\0') != std::string::npos) throw ModelFormatError(what + " has a NUL byte");
  {
    Checker checker(what);
    Json::sax_parse(text, &checker);
  }
  return Json::parse(text);
}

std::string json_kind(const Json& value) {
  switch (value.type()) {
    case Json::value_t::null: return "null";
    case Json::value_t::object: return "an object";
    case Json::value_t::array: return "an array";
    case Json::value_t::string: return "a string";
    case Json::value_t::boolean: return "a boolean";
    case Json::value_t::number_integer: return "a negative whole number";
    case Json::value_t::number_unsigned: return "a whole number";
    default: return "a number that is not a whole number below 2^64";
  }
}

template <class Unknown>
void check_object(const Json& json, const Keys& required, const Keys& optional, const std::string& where) {
  if (!json.is_object()) throw ModelFormatError(where + " is " + json_kind(json) + "; expected an object");
  for (const std::string& key : required) {
    if (!json.contains(key)) {
      throw ModelFormatError(where + " has no '" + key + "'; expected " + listed(required, optional));
    }
  }
  for (const auto& [key, value] : json.items()) {
    if (!contains(required, key) && !contains(optional, key)) {
      throw Unknown(where + " has the unknown key " + shown(key) + "; expected " + listed(required, optional));
    }
  }
}

template void check_object<ModelFormatError>(const Json&, const Keys&, const Keys&, const std::string&);
template void check_object<UnsupportedModelError>(const Json&, const Keys&, const Keys&, const std::string&);

}  // namespace fastnn::io
