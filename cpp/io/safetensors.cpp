// See safetensors.hpp: 8 bytes with the header's length, the header, the data.
#include "safetensors.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <tuple>
#include <utility>

#include "fastnn/error.hpp"
#include "format.hpp"
#include "json.hpp"
#include "limits.hpp"
#include "text.hpp"

static_assert(sizeof(std::size_t) == 8, "sizes in the header have 64 bits");
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "lengths and data are little-endian and used as they are");

namespace fastnn::io {
namespace {

constexpr std::size_t kLengthBytes = sizeof(std::uint64_t);
constexpr const char* kMetadataKey = "__metadata__";

struct Dtype {
  const char* name;
  std::uint64_t bytes;
};
constexpr Dtype kDtypes[] = {{"F32", 4}, {"F64", 8}, {"F16", 2}, {"BF16", 2}, {"BOOL", 1}, {"I8", 1}, {"U8", 1},
                             {"I16", 2}, {"U16", 2}, {"I32", 4}, {"U32", 4},  {"I64", 8},  {"U64", 8}};

struct Entry {
  TensorInfo tensor;
  std::uint64_t begin;
  std::uint64_t end;
};

std::map<std::string, std::string> parse_metadata(const Json& object, const std::string& file) {
  if (!object.is_object()) {
    throw ModelFormatError(file + ": __metadata__ is " + json_kind(object) + "; expected an object");
  }
  std::map<std::string, std::string> metadata;
  for (const auto& [key, value] : object.items()) {
    if (!value.is_string()) {
      throw ModelFormatError(file + ": __metadata__ has " + json_kind(value) + " for the key " + shown(key) +
                             "; expected a string");
    }
    metadata[key] = value.get<std::string>();
  }
  return metadata;
}

std::vector<std::size_t> parse_sizes(const Json& array, const std::string& what) {
  if (!array.is_array()) throw ModelFormatError(what + " that is " + json_kind(array) + "; expected an array");
  if (array.size() > kMaxRank) {
    throw ModelFormatError(what + " of " + std::to_string(array.size()) + " numbers; expected at most " +
                           std::to_string(kMaxRank));
  }
  std::vector<std::size_t> sizes;
  for (const Json& value : array) {
    if (!value.is_number_unsigned()) {
      throw ModelFormatError(what + " with " + json_kind(value) + "; expected whole numbers from 0 to 2^64 - 1");
    }
    sizes.push_back(value.get<std::size_t>());
  }
  return sizes;
}

void check_model_tensor(const TensorInfo& tensor, const std::string& where) {
  if (tensor.dtype != "F32" && tensor.dtype != "F64")
    throw UnsupportedModelError(where + " has dtype " + shown(tensor.dtype) + "; fastnn reads F32 and F64");
  if (std::count(tensor.shape.begin(), tensor.shape.end(), 0u) != 0)
    throw ModelFormatError(where + " has shape " + shape_text(tensor.shape) + "; expected sizes of at least 1");
}

Entry parse_entry(const std::string& name, const Json& json, const std::string& file, Contents contents) {
  const std::string where = file + ": tensor " + shown(name);
  if (name.size() > kMaxNameBytes) {
    throw LimitError(where + " has a name longer than " + std::to_string(kMaxNameBytes) + " bytes");
  }
  check_object<ModelFormatError>(json, {"dtype", "shape", "data_offsets"}, {}, where);
  if (!json["dtype"].is_string()) {
    throw ModelFormatError(where + " has a dtype that is " + json_kind(json["dtype"]) + "; expected a string");
  }
  const std::vector<std::size_t> offsets = parse_sizes(json["data_offsets"], where + " has data_offsets");
  if (offsets.size() != 2) {
    throw ModelFormatError(where + " has " + std::to_string(offsets.size()) + " data_offsets; expected 2");
  }
  Entry entry{{name, json["dtype"].get<std::string>(), parse_sizes(json["shape"], where + " has a shape")},
              offsets[0],
              offsets[1]};
  if (contents == Contents::model) check_model_tensor(entry.tensor, where);
  const std::uint64_t expected = data_bytes(entry.tensor, file);
  const std::string found =
      " has data_offsets [" + std::to_string(entry.begin) + ", " + std::to_string(entry.end) + "]";
  if (entry.begin > entry.end) throw ModelFormatError(where + found + ", the end before the beginning");
  if (entry.end - entry.begin != expected) {
    throw ModelFormatError(where + found + ", " + std::to_string(entry.end - entry.begin) + " bytes; expected " +
                           std::to_string(expected) + " for " + entry.tensor.dtype + " of shape " +
                           shape_text(entry.tensor.shape));
  }
  return entry;
}

// The tensors, in the order of their offsets, must cover the data exactly: nothing can hide between or behind them.
void check_tiling(const std::vector<Entry>& entries, std::uint64_t data_size, const std::string& file) {
  std::uint64_t end = 0;
  for (const Entry& entry : entries) {
    if (entry.begin != end) {
      throw ModelFormatError(file + ": the data of tensor " + shown(entry.tensor.name) + " begins at byte " +
                             std::to_string(entry.begin) + "; expected " + std::to_string(end) +
                             ", where the data before it ends");
    }
    end = entry.end;
  }
  if (end != data_size) {
    const bool truncated = end > data_size;
    throw ModelFormatError(file + ": has " + std::to_string(data_size) + " bytes of data; expected " +
                           std::to_string(end) + ", where the last tensor ends" +
                           (truncated ? " (the file is cut short)" : " (there is more after the tensors)"));
  }
}

// Parses `text`, the header with its padding. `data_size` bytes follow it, which the tensors must tile exactly.
Header parse_header(const std::string& text, std::uint64_t data_size, const std::string& file, Contents contents) {
  const std::size_t last = text.find_last_not_of(' ');
  if (text.empty() || text.front() != '{' || text[last] != '}') {
    throw ModelFormatError(file +
                           ": the header is not one JSON object; expected it to begin with '{' and to end with "
                           "'}' and spaces");
  }
  const Document document = parse_strict(text, file + ": the header");
  const Json& json = document.root();
  const std::size_t tensors = json.size() - json.count(kMetadataKey);
  if (contents == Contents::model && tensors > kMaxTensors) {
    throw LimitError(file + ": has " + std::to_string(tensors) + " tensors; fastnn reads at most " +
                     std::to_string(kMaxTensors));
  }
  Header header;
  std::vector<Entry> entries;
  for (const auto& [name, value] : json.items()) {
    if (name == kMetadataKey) {
      header.metadata = parse_metadata(value, file);
    } else {
      entries.push_back(parse_entry(name, value, file, contents));
    }
  }
  std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::tie(a.begin, a.end) < std::tie(b.begin, b.end);  // empty tensors stand before the one that begins there
  });
  check_tiling(entries, data_size, file);
  for (Entry& entry : entries) header.tensors.push_back(std::move(entry.tensor));
  return header;
}

std::string quoted(const std::string& text) { return Json(text).dump(); }

// Returns the text of an object whose values are JSON already.
std::string object_text(const std::map<std::string, std::string>& values) {
  std::string text = "{";
  for (const auto& [key, value] : values) text += (text.size() == 1 ? "" : ",") + quoted(key) + ":" + value;
  return text + "}";
}

std::string array_text(const std::vector<std::size_t>& values) {
  std::string text = "[";
  for (const std::size_t value : values) text += (text.size() == 1 ? "" : ",") + std::to_string(value);
  return text + "]";
}

// Returns the text of a Header, the same for the same Header: keys sorted, no spaces but the padding, which aligns the
// data to 8 bytes. The tensors' names must differ, and all text be UTF-8. Put together as text: a nested Json ends the
// process if memory is short while it is built (test_allocation_failures.py).
std::string header_text(const Header& header, const std::string& file) {
  std::map<std::string, std::string> metadata, entries;
  for (const auto& [key, value] : header.metadata) metadata[key] = quoted(value);
  entries[kMetadataKey] = object_text(metadata);
  std::uint64_t end = 0;
  for (const TensorInfo& tensor : header.tensors) {
    const std::uint64_t begin = end;
    end += data_bytes(tensor, file);
    entries[tensor.name] = object_text({{"data_offsets", array_text({begin, end})},
                                        {"dtype", quoted(tensor.dtype)},
                                        {"shape", array_text(tensor.shape)}});
  }
  std::string text = object_text(entries);
  text.resize((text.size() + 7) / 8 * 8, ' ');
  return text;
}

void check_length(std::uint64_t length, std::uint64_t file_size, const std::string& name) {
  if (length > kMaxHeaderBytes) {
    throw LimitError(name + ": the header is " + std::to_string(length) + " bytes long; fastnn reads at most " +
                     std::to_string(kMaxHeaderBytes));
  }
  if (length > file_size - kLengthBytes) {
    throw ModelFormatError(name + ": the header is " + std::to_string(length) + " bytes long, but only " +
                           std::to_string(file_size - kLengthBytes) + " bytes follow its length");
  }
}

// The header's text; the position is then at the data.
std::string header_of(Input& file, Contents contents) {
  const char* expected = contents == Contents::model ? "a model file of fastnn (.safetensors)"
                                                     : "a PyTorch state dict (.pt, .pth or .safetensors)";
  refuse_foreign(file.beginning(kBeginningBytes), file.name(), expected);
  if (file.size() < kLengthBytes) {
    throw ModelFormatError(file.name() + ": is " + std::to_string(file.size()) +
                           " bytes long; expected a model file, which has at least 8: it is cut short");
  }
  if (file.size() > kMaxFileBytes) {
    throw LimitError(file.name() + ": is " + std::to_string(file.size()) + " bytes long; fastnn reads at most " +
                     std::to_string(kMaxFileBytes));
  }
  std::uint64_t length = 0;
  file.read(reinterpret_cast<char*>(&length), sizeof length);
  check_length(length, file.size(), file.name());
  std::string text(static_cast<std::size_t>(length), '\0');
  file.read(text.data(), text.size());
  return text;
}

}  // namespace

std::uint64_t data_bytes(const TensorInfo& tensor, const std::string& file) {
  const std::string where = file + ": tensor " + shown(tensor.name);
  const Dtype* dtype = std::find_if(std::begin(kDtypes), std::end(kDtypes),
                                    [&](const Dtype& each) { return tensor.dtype == each.name; });
  if (dtype == std::end(kDtypes)) {
    std::string names;
    for (const Dtype& each : kDtypes) names += (names.empty() ? "" : ", ") + std::string(each.name);
    throw UnsupportedModelError(where + " has dtype " + shown(tensor.dtype) + "; fastnn reads " + names);
  }
  // NumPy limits the product of the other sizes even if one is 0.
  constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();
  std::uint64_t bytes = dtype->bytes;
  bool is_empty = false;
  for (const std::size_t size : tensor.shape) {
    is_empty = is_empty || size == 0;
    if (size == 0) continue;
    if (size > kMost / bytes)
      throw ModelFormatError(where + " has shape " + shape_text(tensor.shape) + ", which is 2^63 bytes or more");
    bytes *= size;
  }
  return is_empty ? 0 : bytes;
}

Header read_header(Input& input, Contents contents) {
  const std::string text = header_of(input, contents);
  return parse_header(text, input.size() - kLengthBytes - text.size(), input.name(), contents);
}

void read_data(Input& input, const Header& header, const std::vector<char*>& data) {
  for (std::size_t i = 0; i < data.size(); ++i) {
    const std::uint64_t bytes = data_bytes(header.tensors.at(i), input.name());
    data[i] == nullptr ? input.skip(bytes) : input.read(data[i], static_cast<std::size_t>(bytes));
  }
  input.expect_end();
}

void write_safetensors(const std::string& path, const Header& header, const std::vector<const char*>& data) {
  const std::string name = escaped(path);
  const std::string text = header_text(header, name);
  const std::uint64_t length = text.size();
  std::vector<Bytes> pieces = {{reinterpret_cast<const char*>(&length), sizeof length}, {text.data(), text.size()}};
  std::uint64_t data_size = 0;
  for (std::size_t i = 0; i < data.size(); ++i) {
    const std::uint64_t bytes = data_bytes(header.tensors.at(i), name);
    pieces.push_back({data[i], static_cast<std::size_t>(bytes)});
    data_size += bytes;
  }
  check_length(length, kLengthBytes + length + data_size, name);
  parse_header(text, data_size, name, Contents::model);
  OutputFile file(path);
  for (const Bytes& piece : pieces) file.write(piece);
  file.commit();
}

}  // namespace fastnn::io
