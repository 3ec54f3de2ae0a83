// See json.hpp. A SAX handler checks the text while it builds the value. nlohmann's parse callback could check it too,
// but that visits all earlier siblings whenever an object ends, which is quadratic.
#include "json.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "limits.hpp"
#include "text.hpp"

namespace fastnn::io {
namespace {

// Empties a value from the leaves up. The recursion is as deep as the value, which kMaxJsonDepth limits.
void take_apart(Json& value) {
  if (!value.is_structured()) return;
  for (Json& each : value) take_apart(each);
  value.clear();
}

class Builder : public nlohmann::json_sax<Json> {
 public:
  Builder(Json& root, const std::string& what) : next_(&root), what_(what) {}

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(number_integer_t value) override { return add(value); }
  bool number_unsigned(number_unsigned_t value) override { return add(value); }
  bool number_float(number_float_t value, const string_t&) override { return add(value); }
  bool binary(binary_t&) override { return false; }  // never called for JSON text
  bool string(string_t& text) override {
    check_text(text);
    return add(std::move(text));
  }

  bool key(string_t& text) override {
    check_text(text);
    count();
    const auto [place, is_new] = open_.back()->get_ref<Json::object_t&>().emplace(text, nullptr);
    if (!is_new) throw ModelFormatError(what_ + ": expected each key once; received " + shown(text) + " twice");
    next_ = &place->second;
    return true;
  }

  bool start_object(std::size_t) override { return open(Json::value_t::object); }
  bool start_array(std::size_t) override { return open(Json::value_t::array); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  // The message of the library is dropped: it may contain raw bytes of the file.
  bool parse_error(std::size_t position, const std::string&, const Json::exception&) override {
    throw ModelFormatError(what_ + ": expected valid JSON in UTF-8; received other text at byte " +
                           std::to_string(position));
  }

 private:
  void count() {
    if (++items_ <= kMaxJsonItems) return;
    throw LimitError(what_ + ": expected at most " + std::to_string(kMaxJsonItems) +
                     " keys and values, the most that fastnn reads; received more");
  }

  void check_text(const std::string& text) const {
    if (text.find('\0') == std::string::npos) return;
    throw ModelFormatError(what_ + ": expected text without NUL characters; received " + shown(text));
  }

  bool add(Json value) {
    count();
    if (!open_.empty() && open_.back()->is_array()) {
      open_.back()->push_back(std::move(value));
      next_ = &open_.back()->back();
    } else {
      *next_ = std::move(value);
    }
    return true;
  }

  bool open(Json::value_t type) {
    if (open_.size() == kMaxJsonDepth) {
      throw ModelFormatError(what_ + ": expected at most " + std::to_string(kMaxJsonDepth) +
                             " levels of nested values; received more");
    }
    add(type);
    open_.push_back(next_);
    return true;
  }

  bool close() {
    open_.pop_back();
    return true;
  }

  Json* next_;  // the place of the next value, unless it goes to an array; after that, the value added last
  const std::string& what_;
  std::size_t items_ = 0;
  std::vector<Json*> open_;  // the enclosing objects and arrays, outermost first
};

bool contains(const Keys& keys, const std::string& key) {
  return std::find(keys.begin(), keys.end(), key) != keys.end();
}

std::string expected_keys(const Keys& required, const Keys& optional) {
  std::string text;
  for (const Keys* keys : {&required, &optional}) {
    for (const std::string& key : *keys) text += (text.empty() ? "the keys " : ", ") + key;
  }
  return ": expected " + (text.empty() ? "no keys" : text) + "; received ";
}

}  // namespace

Document::~Document() { take_apart(root_); }

Document parse_strict(const std::string& text, const std::string& what) {
  // nlohmann takes a NUL for the end of its input and would ignore the rest.
  if (text.find('\0') != std::string::npos) throw ModelFormatError(what + ": expected no NUL bytes; received one");
  Document document;
  Builder builder(document.root(), what);
  Json::sax_parse(text, &builder);
  return document;
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
  if (!json.is_object()) throw ModelFormatError(where + ": expected an object; received " + json_kind(json));
  for (const std::string& key : required) {
    if (!json.contains(key)) throw ModelFormatError(where + expected_keys(required, optional) + "no '" + key + "'");
  }
  for (const auto& [key, value] : json.items()) {
    if (!contains(required, key) && !contains(optional, key)) {
      throw Unknown(where + expected_keys(required, optional) + "the unknown key " + shown(key));
    }
  }
}

template void check_object<ModelFormatError>(const Json&, const Keys&, const Keys&, const std::string&);
template void check_object<UnsupportedModelError>(const Json&, const Keys&, const Keys&, const std::string&);

}  // namespace fastnn::io
