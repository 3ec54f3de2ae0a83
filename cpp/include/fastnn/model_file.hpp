// Model files, for programs that look into them: a network's weights and architecture in one safetensors file
// (docs/model-format.md). A program may change the weights and save them:
//
//   fastnn::ModelFile model = fastnn::load_model("digits.safetensors");
//   std::vector<char>& bias = model.weights[0].at("bias");
//   std::memcpy(bias.data(), numbers, bias.size());  // float or double, as model.architecture->dtype says
//   fastnn::save_model("better.safetensors", model);
//
// A ModelFile holds the standard library's objects: programs that change their layout (-D_GLIBCXX_DEBUG) need a library
// built the same way. fastnn.hpp alone does not mind.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "fastnn/error.hpp"
#include "fastnn/network.hpp"

namespace fastnn {

struct LayerArchitecture {
  LayerKind kind;
  std::size_t inputs;
  std::size_t units;
  Activation activation = Activation::linear;
  Parameters parameters{};
  std::vector<WeightRow> weights{};  // those of its kind (layers.hpp) that the layer has
};

// A column of a table, and what Python's FeatureSpace makes of it: `width` of the model's inputs, after those of the
// columns before it (docs/model-format.md, "Columns"). Network and Model take these numbers; they know no tables.
struct Column {
  std::string name;
  std::string type;  // "float", "float_normalized", "string_categorical", …
  std::size_t width = 1;
  bool has_gap = false;                      // whether the last of its inputs is 1 for a missing value
  double fill = 0;                           // of numbers: what a missing one becomes, maybe NaN
  std::map<std::string, double> settings{};  // of numbers: "mean" and "variance", …
  std::vector<std::string> values{};         // of categories; whole numbers are written in decimal
  bool takes_unknown = true;                 // of categories: whether there may be values that are none of `values`
};

// What a config says; parse_config() makes it.
struct Architecture {
  std::string config;  // as JSON; Python's Sequential.get_config() returns the same
  Dtype dtype;
  std::size_t inputs;
  std::vector<LayerArchitecture> layers;
  std::vector<Column> columns{};  // empty: the model takes numbers, not tables
};

// Returns what a config says. `file` begins every message. Throws ModelFormatError for a value that is
// missing or wrong; UnsupportedModelError for a key, layer, activation or dtype that this version does not know;
// LimitError for too many layers.
std::shared_ptr<const Architecture> parse_config(const std::string& config, const std::string& file);

struct ModelFile {
  std::shared_ptr<const Architecture> architecture;
  // Of each layer, by name: little-endian numbers of the architecture's dtype, row by row.
  std::vector<std::map<std::string, std::vector<char>>> weights;
};

// Reads and checks the whole file before it returns. Throws ModelFormatError, UnsupportedModelError or LimitError (what
// the file says), FileError (what the system says), std::bad_alloc; Error for a path with a NUL byte.
ModelFile load_model(const std::string& path);

// The same of a file's bytes in memory, which are copied.
ModelFile parse_model(const void* data, std::size_t size);

// Writes to a new file beside `path`, then renames it: a failed or killed save leaves the old file as it was.
// The same model gives the same bytes. Throws ModelFormatError unless the weights are those of the architecture, and
// what load_model throws.
void save_model(const std::string& path, const ModelFile& model);

// The layers of a model, for a Network or a Trainer; their weights are those of `model`, which must live as long.
// T must be the model's dtype, else Error. Throws ModelFormatError unless the weights are those of the architecture.
template <class T>
std::vector<Layer<T>> build_layers(const ModelFile& model);

// The same as a network, which copies the weights.
template <class T>
Network<T> build_network(const ModelFile& model);

}  // namespace fastnn
