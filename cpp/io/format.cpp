// See format.hpp: a table of first bytes, and rules for the formats that have no fixed ones.
#include "format.hpp"

#include "fastnn/error.hpp"

namespace fastnn::io {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kKeras = "keras", kOnnx = "onnx", kTorch = "torch", kFastnn = "fastnn";

struct Magic {
  std::string_view bytes;
  Format format;
};

constexpr Magic kMagics[] = {
    {"\x89HDF\r\n\x1a\n"sv, {kKeras, "an HDF5 file (.h5)"}},
    {"\x80\x02\x8a\x0al\xfc\x9c\x46\xf9 j\xa8P\x19"sv, {kTorch, "a PyTorch file (.pt, pickles)", true}},  // before 1.6
    {"\x1f\x8b\x08"sv, {kFastnn, "a gzip file"}},
    {"\x93NUMPY"sv, {kFastnn, "a NumPy array (.npy)"}},
    {"GGUF"sv, {kFastnn, "a GGUF model"}},
};

bool starts_with(std::string_view text, std::string_view start) { return text.substr(0, start.size()) == start; }

bool ends_with(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

// The name of a zip file's first member stands at byte 30, its length at 26. torch.save writes <stem>/data.pkl first,
// Keras metadata.json; other programs may put the same files together in another order.
Format zip_format(std::string_view beginning) {
  const auto byte = [&](std::size_t i) { return std::size_t{static_cast<unsigned char>(beginning[i])}; };
  const std::string_view name = beginning.size() < 30 ? ""sv : beginning.substr(30, byte(26) | byte(27) << 8);
  for (const std::string_view start : {"metadata.json"sv, "config.json"sv, "model.weights."sv, "assets/"sv})
    if (starts_with(name, start)) return {kKeras, "a Keras file (.keras, a zip archive)"};
  if (ends_with(name, "data.pkl"sv) || name.find("/data/"sv) != name.npos)
    return {kTorch, "a PyTorch file (.pt, a zip archive of pickles)", true};
  if (ends_with(name, ".npy"sv)) return {kFastnn, "a NumPy archive (.npz)"};
  return {kFastnn, "a zip archive"};
}

// Protocols 2 to 5. The third byte is an opcode and never 0.
bool is_pickle(std::string_view beginning) {
  return beginning.size() > 2 && beginning[0] == '\x80' && beginning[1] >= 2 && beginning[1] <= 5 && beginning[2] != 0;
}

// ONNX has no signature: its first field is nearly always the small number ir_version, and a tag of ModelProto follows.
bool is_onnx(std::string_view beginning) {
  return beginning.size() > 2 && beginning[0] == '\x08' && (beginning[1] & '\x80') == 0 &&
         "\x12\x1a\x22\x28\x32\x3a\x42\x72"sv.find(beginning[2]) != std::string_view::npos;
}

bool is_text(std::string_view beginning) {
  if (beginning.size() < 4) return false;
  for (const char c : beginning) {
    const bool printable = (c >= ' ' && c <= '~') || c == '\n' || c == '\r' || c == '\t';
    if (!printable) return false;
  }
  return true;
}

}  // namespace

Format format_of(std::string_view beginning) {
  // The header of a safetensors file, whose length of 8 bytes may look like anything.
  if (beginning.size() > 8 && beginning[8] == '{') return {kFastnn, ""};
  if (starts_with(beginning, "PK\x03\x04"sv)) return zip_format(beginning);
  for (const Magic& magic : kMagics) {
    if (starts_with(beginning, magic.bytes)) return magic.format;
  }
  if (is_pickle(beginning)) return {kFastnn, "a pickle", true};
  if (is_onnx(beginning)) return {kOnnx, "an ONNX model"};
  return {kFastnn, is_text(beginning.substr(0, 128)) ? "text" : ""};
}

void refuse_foreign(std::string_view beginning, const std::string& file) {
  const Format format = format_of(beginning);
  if (format.description.empty()) return;
  const std::string message =
      file + ": looks like " + std::string(format.description) + "; expected a safetensors file";
  if (format.is_pickled)
    throw UnsupportedModelError(message + " (fastnn never unpickles, since that can run any program)");
  throw ModelFormatError(message);
}

}  // namespace fastnn::io
