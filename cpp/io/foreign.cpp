// See foreign.hpp: a table of first bytes. Nothing is opened or decoded.
#include "foreign.hpp"

#include "fastnn/error.hpp"

namespace fastnn::io {
namespace {

using namespace std::string_view_literals;

struct Format {
  std::string_view description;  // empty: none that is known
  bool pickled = false;
};

struct Magic {
  std::string_view bytes;
  std::string_view description;
};

constexpr Magic kMagics[] = {
    {"\x89HDF\r\n\x1a\n"sv, "an HDF5 file (.h5)"sv},
    {"\x1f\x8b\x08"sv, "a gzip file"sv},
    {"\x93NUMPY"sv, "a NumPy array (.npy)"sv},
    {"GGUF"sv, "a GGUF model"sv},
};

bool starts_with(std::string_view text, std::string_view start) { return text.substr(0, start.size()) == start; }

bool ends_with(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

// The name of a zip file's first member stands at byte 30, its length at 26: torch.save writes <stem>/data.pkl first,
// Keras metadata.json.
Format zip_format(std::string_view beginning) {
  const std::size_t length = beginning.size() < 30 ? 0 : static_cast<unsigned char>(beginning[26]);
  const std::string_view name = length == 0 ? ""sv : beginning.substr(30, length);
  if (ends_with(name, "data.pkl"sv)) return {"a PyTorch file (.pt, a zip archive of pickles)"sv, true};
  if (name == "metadata.json"sv || name == "config.json"sv) return {"a Keras file (.keras, a zip archive)"sv};
  if (ends_with(name, ".npy"sv)) return {"a NumPy archive (.npz)"sv};
  return {"a zip archive"sv};
}

// Protocols 2 to 5. The third byte is an opcode and never 0, as it is in a header length below 64 KiB; what protects
// valid files, of any length, is that read_header asks only about those without a '{' after the length.
bool is_pickle(std::string_view beginning) {
  return beginning.size() > 2 && beginning[0] == '\x80' && beginning[1] >= 2 && beginning[1] <= 5 && beginning[2] != 0;
}

bool is_text(std::string_view beginning) {
  if (beginning.size() < 4) return false;
  for (const char c : beginning) {
    const bool printable = (c >= ' ' && c <= '~') || c == '\n' || c == '\r' || c == '\t';
    if (!printable) return false;
  }
  return true;
}

Format format_of(std::string_view beginning) {
  if (starts_with(beginning, "PK\x03\x04"sv)) return zip_format(beginning);
  if (is_pickle(beginning)) return {"a pickle"sv, true};
  for (const Magic& magic : kMagics) {
    if (starts_with(beginning, magic.bytes)) return {magic.description};
  }
  return {is_text(beginning) ? "text"sv : ""sv};
}

}  // namespace

void refuse_foreign(std::string_view beginning, const std::string& file) {
  const Format format = format_of(beginning);
  if (format.description.empty()) return;
  const std::string message =
      file + ": looks like " + std::string(format.description) + "; expected a safetensors file";
  if (format.pickled)
    throw UnsupportedModelError(message + " (fastnn never unpickles, since that can run any program)");
  throw ModelFormatError(message);
}

}  // namespace fastnn::io
