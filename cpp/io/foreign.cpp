// See foreign.hpp: a table of first bytes, best match first. Nothing is opened or decoded.
#include "foreign.hpp"

#include "fastnn/model.hpp"

namespace fastnn::io {
namespace {

using namespace std::string_view_literals;

struct Kind {
  std::size_t offset;
  std::string_view magic;
  std::string_view description;
  bool pickled = false;
};

constexpr Kind kKinds[] = {
    {0, "\x89HDF\r\n\x1a\n"sv, "an HDF5 file (.h5)"},
    {0, "\x1f\x8b\x08"sv, "a gzip file"},
    {0, "BZh"sv, "a bzip2 file"},
    {0, "\xfd\x37zXZ\0"sv, "an xz file"},
    {0, "\x28\xb5\x2f\xfd"sv, "a zstd file"},
    {0, "\x89PNG\r\n\x1a\n"sv, "a PNG image"},
    {0, "\xff\xd8\xff"sv, "a JPEG image"},
    {0, "%PDF-"sv, "a PDF document"},
    {0, "\x7f\x45LF"sv, "an ELF program"},
    {0, "\x93NUMPY"sv, "a NumPy array (.npy)"},
    {0, "GGUF"sv, "a GGUF model"},
    {257, "ustar"sv, "a tar archive"},
};

bool starts_with(std::string_view text, std::string_view start) { return text.substr(0, start.size()) == start; }

// The name of a zip file's first member stands at byte 30, its length at 26: torch.save writes <stem>/data.pkl first,
// Keras metadata.json.
Kind zip_kind(std::string_view beginning) {
  if (beginning.size() < 30) return {0, ""sv, "a zip archive"};
  const std::size_t length = static_cast<unsigned char>(beginning[26]);
  const std::string_view name = beginning.substr(30, length);
  const auto ends_with = [&](std::string_view end) {
    return name.size() >= end.size() && name.substr(name.size() - end.size()) == end;
  };
  if (ends_with("data.pkl")) return {0, ""sv, "a PyTorch file (.pt, a zip archive of pickles)", true};
  if (name == "metadata.json" || name == "config.json") return {0, ""sv, "a Keras file (.keras, a zip archive)"};
  if (ends_with(".npy")) return {0, ""sv, "a NumPy archive (.npz)"};
  return {0, ""sv, "a zip archive"};
}

// Protocols 2 to 5. The third byte is an opcode and never 0, as it would be in a safetensors header length.
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

Kind kind_of(std::string_view beginning) {
  if (starts_with(beginning, "PK\x03\x04"sv)) return zip_kind(beginning);
  if (is_pickle(beginning)) return {0, ""sv, "a pickle", true};
  for (const Kind& kind : kKinds) {
    if (beginning.size() > kind.offset && starts_with(beginning.substr(kind.offset), kind.magic)) return kind;
  }
  return {0, ""sv, is_text(beginning) ? "text"sv : ""sv};
}

}  // namespace

void refuse_foreign(std::string_view beginning, const std::string& file) {
  const Kind kind = kind_of(beginning);
  if (kind.description.empty()) return;
  const std::string message = file + ": looks like " + std::string(kind.description) + "; expected a safetensors file";
  if (kind.pickled) throw UnsupportedModelError(message + " (fastnn never unpickles, since that can run any program)");
  throw ModelFormatError(message);
}

}  // namespace fastnn::io
