// See format.hpp: tables of first bytes, and rules for the formats that have no fixed ones.
#include "format.hpp"

#include <algorithm>
#include <charconv>
#include <string>
#include <system_error>
#include <vector>

#include "fastnn/error.hpp"

namespace fastnn::io {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kKeras = "keras", kOnnx = "onnx", kTorch = "torch", kNnet = "nnet", kFastnn = "fastnn";
constexpr std::string_view kOther = "other";  // no reader

constexpr std::string_view kConvert = "convert it first: fastnn convert MODEL model.safetensors";
constexpr std::string_view kConvertTorch =
    "convert it first: fastnn convert MODEL --layers relu,linear model.safetensors";
constexpr std::string_view kUnpack = "unpack it, and load the model file in it";
constexpr std::string_view kTrees = "it holds trees, and fastnn runs dense networks";
constexpr std::string_view kArrays =
    "if it holds weights, build the Sequential and give it a list of them: model.set_weights(arrays)";
constexpr std::string_view kUnpickle =
    "fastnn never unpickles, since that can run any program: if you trust the file, load it yourself, as with "
    "joblib.load(path), and give the object to fastnn.from_sklearn, from_torch or from_keras";

struct Magic {
  std::size_t position;
  std::string_view bytes;
  Format format;
};

constexpr Magic kMagics[] = {
    {0, "\x89HDF\r\n\x1a\n"sv, {kKeras, "an HDF5 file (.h5)", kConvert}},
    {0,
     "\x80\x02\x8a\x0al\xfc\x9c\x46\xf9 j\xa8P\x19"sv,
     {kTorch, "a PyTorch file (.pt, pickles)", kConvertTorch, true}},
    {257, "ustar"sv, {kOther, "a tar archive, as PyTorch 0.1 wrote", "save it again with torch.save, or unpack it"}},
    {0, "\x1f\x8b\x08"sv, {kOther, "a gzip file", kUnpack}},
    {0, "BZh"sv, {kOther, "a bzip2 file", kUnpack}},
    {0, "\xfd\x37zXZ\0"sv, {kOther, "an xz file", kUnpack}},
    {0, "\x28\xb5\x2f\xfd"sv, {kOther, "a Zstandard file", kUnpack}},
    {0, "\x04\x22\x4d\x18"sv, {kOther, "an LZ4 file", kUnpack}},
    {0, "7z\xbc\xaf\x27\x1c"sv, {kOther, "a 7z archive", kUnpack}},
    {0, "x\x01"sv, {kOther, "a pickle that joblib compressed", kUnpickle, true}},
    {0, "x\x5e"sv, {kOther, "a pickle that joblib compressed", kUnpickle, true}},
    {0, "x\x9c"sv, {kOther, "a pickle that joblib compressed", kUnpickle, true}},
    {0, "x\xda"sv, {kOther, "a pickle that joblib compressed", kUnpickle, true}},
    {0, "\x93NUMPY"sv, {kOther, "a NumPy array (.npy)", kArrays}},
    {0, "MATLAB "sv, {kOther, "a MATLAB file (.mat)", kArrays}},
    {0, "GGUF"sv, {kOther, "a GGUF model", "it holds a language model, and fastnn runs dense networks"}},
    {0, "PAR1"sv, {kOther, "a Parquet table", "give its numbers to model.predict"}},
    {0, "CBM1"sv, {kOther, "a CatBoost model", kTrees}},
    {0, "{L\0\0\0\0"sv, {kOther, "an XGBoost model (.ubj)", kTrees}},
    {4, "TFL3"sv, {kOther, "a TensorFlow Lite model", kSaveKeras}},
    {4, "ORTM"sv, {kOther, "a model in ONNX Runtime's own format (.ort)", "load the .onnx file that it was made of"}},
};

// Of text, in lower case and without blanks before it.
constexpr Magic kTexts[] = {
    {0, "version https://git-lfs"sv, {kOther, "a Git LFS pointer", "fetch the file that it stands for: git lfs pull"}},
    {0, "<!doctype html"sv, {kOther, "a web page (HTML)", "download the file itself, not the page that shows it"}},
    {0, "<html"sv, {kOther, "a web page (HTML)", "download the file itself, not the page that shows it"}},
    {0, "<?xml"sv, {kOther, "an XML file, such as PMML", "save the model in another format"}},
    {0, "model_checkpoint_path"sv, {kOther, "the index of TensorFlow's checkpoints", kSaveKeras}},
    {0, "tree\nversion="sv, {kOther, "a LightGBM model", kTrees}},
    {0, "tree\r\nversion="sv, {kOther, "a LightGBM model", kTrees}},
    {0, "{\"learner\""sv, {kOther, "an XGBoost model (JSON)", kTrees}},
};

bool starts_with(std::string_view text, std::string_view start) { return text.substr(0, start.size()) == start; }

bool ends_with(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

bool contains(std::string_view text, std::string_view part) { return text.find(part) != text.npos; }

// The name of a zip file's first member stands at byte 30, its length at 26. torch.save writes <stem>/data.pkl first,
// Keras metadata.json; other programs may put the same files together in another order.
Format zip_format(std::string_view beginning) {
  const auto byte = [&](std::size_t i) { return std::size_t{static_cast<unsigned char>(beginning[i])}; };
  const std::string_view name = beginning.size() < 30 ? ""sv : beginning.substr(30, byte(26) | byte(27) << 8);
  for (const std::string_view start : {"metadata.json"sv, "config.json"sv, "model.weights."sv, "assets/"sv})
    if (starts_with(name, start)) return {kKeras, "a Keras file (.keras, a zip archive)", kConvert};
  if (ends_with(name, "data.pkl"sv) || contains(name, "/data/"sv))
    return {kTorch, "a PyTorch file (.pt, a zip archive of pickles)", kConvertTorch, true};
  if (ends_with(name, ".npy"sv)) return {kOther, "a NumPy archive (.npz)", kArrays};
  return {kOther, "a zip archive", kUnpack};
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

// A SavedModel begins with its version 1 and a graph's MetaInfoDef, where ONNX would have the name of its producer.
bool is_saved_model(std::string_view beginning) {
  if (!starts_with(beginning, "\x08\x01\x12"sv)) return false;
  std::size_t i = 3;
  while (i < beginning.size() && (beginning[i] & '\x80') != 0) ++i;
  return i + 1 < beginning.size() && beginning[i + 1] == '\n';
}

// A GraphDef begins with a node, which has the name of its operation; a MetaGraphDef with types of operations.
bool is_graph(std::string_view beginning) {
  return starts_with(beginning, "\n"sv) && (contains(beginning, "\x0bPlaceholder"sv) ||
                                            contains(beginning,
                                                     "\x12\x05"
                                                     "Const"sv) ||
                                            contains(beginning, "\x12\x04type"sv));
}

// The table of a checkpoint's tensors begins with an empty key and the number of its files.
bool is_checkpoint(std::string_view beginning) {
  return starts_with(beginning, "\0\0"sv) && beginning.size() > 12 && beginning[3] == '\x08' &&
         contains(beginning.substr(4, 8), "\x1a\x02\x08\x01"sv);
}

bool is_text(std::string_view beginning) {
  if (beginning.size() < 4) return false;
  for (const char c : beginning) {
    const bool printable = (c >= ' ' && c <= '~') || c == '\n' || c == '\r' || c == '\t';
    if (!printable) return false;
  }
  return true;
}

bool is_table(std::string_view text) {
  const std::size_t first = text.find('\n'), second = text.find('\n', first + 1);
  if (first == text.npos || second == text.npos || contains("{[<#/\"", text.substr(0, 1))) return false;
  const auto count = [&](std::size_t begin, std::size_t end, char separator) {
    return std::count(text.begin() + static_cast<std::ptrdiff_t>(begin),
                      text.begin() + static_cast<std::ptrdiff_t>(end), separator);
  };
  for (const char separator : {',', ';', '\t'}) {
    const auto columns = count(0, first, separator);
    if (columns > 0 && columns == count(first, second, separator)) return true;
  }
  return false;
}

// Takes the first line off `text` and returns its whole numbers, with commas or blanks between them; none if it has
// anything else.
std::vector<int> whole_numbers(std::string_view& text) {
  constexpr std::string_view separators = ", \t\r";
  std::string_view line = text.substr(0, text.find('\n'));
  text.remove_prefix(std::min(line.size() + 1, text.size()));
  std::vector<int> numbers;
  while (line.find_first_not_of(separators) != line.npos) {
    line.remove_prefix(line.find_first_not_of(separators));
    const std::string_view word = line.substr(0, line.find_first_of(separators));
    const char* const end = word.data() + word.size();
    int number = 0;
    const std::from_chars_result result = std::from_chars(word.data(), end, number);
    if (result.ec != std::errc() || result.ptr != end) return {};
    numbers.push_back(number);
    line.remove_prefix(word.size());
  }
  return numbers;
}

// Comments, whatever they say; then the numbers of layers, inputs and outputs, and the largest size; sizes; a flag.
bool is_nnet(std::string_view text) {
  while (starts_with(text, "//"sv)) {
    text.remove_prefix(std::min(text.find('\n'), text.size()));
    text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
  }
  const std::vector<int> counts = whole_numbers(text), sizes = whole_numbers(text), flag = whole_numbers(text);
  return counts.size() == 4 && counts[0] > 0 && sizes.size() == static_cast<std::size_t>(counts[0]) + 1 &&
         sizes.front() == counts[1] && sizes.back() == counts[2] && flag.size() == 1;
}

Format text_format(std::string_view beginning) {
  if (starts_with(beginning, "\xef\xbb\xbf"sv)) beginning.remove_prefix(3);
  beginning.remove_prefix(std::min(beginning.find_first_not_of(" \t\r\n"), beginning.size()));
  std::string lower(beginning);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  for (const Magic& text : kTexts)
    if (starts_with(lower, text.bytes)) return text.format;
  if (!is_text(beginning.substr(0, 128))) return {kFastnn, "", ""};
  // The words also show a file whose sizes are broken, or lie behind a long comment.
  if ((starts_with(lower, "//"sv) && contains(lower, "neural network file format"sv)) || is_nnet(lower))
    return {kNnet, "a network of NNet (.nnet)", kConvert};
  if (starts_with(lower, "{"sv) && contains(lower, "\"class_name\""sv))
    return {kOther, "a Keras model's config without weights (JSON)",
            "load the weights beside it: fastnn.load_model('weights.h5', layers='model.json')"};
  if (is_table(lower))
    return {kOther, "a table of text (CSV)", "rows belong after the model: fastnn predict MODEL DATA"};
  return {kOther, "text", "save the model as such"};
}

}  // namespace

Format format_of(std::string_view beginning) {
  // The header of a safetensors file. Its length, in the 8 bytes before, may look like anything else.
  const bool is_header = beginning.size() > 8 && beginning[8] == '{';
  const bool is_short = beginning.size() < 8 || beginning.substr(4, 4) == "\0\0\0\0"sv;  // than 4 GiB
  if (is_header && is_short) return {kFastnn, "", ""};
  if (starts_with(beginning, "PK\x03\x04"sv)) return zip_format(beginning);
  for (const Magic& magic : kMagics) {
    if (starts_with(beginning.substr(std::min(magic.position, beginning.size())), magic.bytes)) return magic.format;
  }
  if (const Format text = text_format(beginning); text.reader != kFastnn) return text;
  if (is_pickle(beginning)) return {kOther, "a pickle", kUnpickle, true};
  if (is_saved_model(beginning)) return {kOther, "a SavedModel of TensorFlow", kSaveKeras};
  if (is_onnx(beginning)) return {kOnnx, "an ONNX model", kConvert};
  if (is_graph(beginning)) return {kOther, "a graph of TensorFlow (.pb, .meta)", kSaveKeras};
  if (is_checkpoint(beginning)) return {kOther, "a checkpoint of TensorFlow (.index)", kSaveKeras};
  return is_header || is_short ? Format{kFastnn, "", ""} : Format{kOther, "no model file", "save the model as such"};
}

void refuse_foreign(std::string_view beginning, const std::string& file, std::string_view expected) {
  const Format format = format_of(beginning);
  if (format.description.empty()) return;
  const std::string message = file + ": looks like " + std::string(format.description) + "; expected " +
                              std::string(expected) + "; " + std::string(format.advice);
  if (format.is_pickled) throw UnsupportedModelError(message);
  throw ModelFormatError(message);
}

}  // namespace fastnn::io
