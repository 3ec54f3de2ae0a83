// Model files, for programs that look into them: a network's weights and architecture in one safetensors file
// (docs/model-format.md).
//
//   const fastnn::ModelFile model = fastnn::load_model("digits.safetensors");
//   if (model.dtype == fastnn::Dtype::float32) { auto network = fastnn::build_network<float>(model); … }
//
// A model to save is one that was loaded, with other weights; its config, JSON as Python's Sequential.get_config()
// gives it, stays. A C++ program seldom has cause to write one of its own (docs/model-format.md says how).
//
//   fastnn::ModelFile model = fastnn::load_model("digits.safetensors");
//   std::vector<char>& bias = model.layers[0].weights.at("bias");
//   std::memcpy(bias.data(), numbers, bias.size());  // float or double, as model.dtype says
//   fastnn::save_model("better.safetensors", model);
//
// A ModelFile holds the standard library's objects: programs that change their layout (-D_GLIBCXX_DEBUG) need a library
// built the same way. fastnn.hpp alone does not mind.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "fastnn/error.hpp"
#include "fastnn/network.hpp"

namespace fastnn {

// One layer of a model file. `weights` holds those of its kind by name (layers.hpp), as raw little-endian numbers of
// the model's dtype, row by row.
struct ModelLayer {
  LayerKind kind = LayerKind::dense;
  std::size_t inputs = 0;
  std::size_t units = 0;
  Activation activation = Activation::linear;
  Parameters parameters{};
  std::map<std::string, std::vector<char>> weights{};
};

struct ModelFile {
  std::string config;  // the architecture as JSON, as Sequential.get_config() gives it
  Dtype dtype = Dtype::float32;
  std::size_t inputs = 0;
  std::vector<ModelLayer> layers;
};

// Reads and checks the whole file before it returns. Throws ModelFormatError, UnsupportedModelError or LimitError (what
// the file says), FileError (what the system says), std::bad_alloc; Error for a path with a NUL byte.
ModelFile load_model(const std::string& path);

// The same of a file's bytes in memory, which are copied.
ModelFile parse_model(const void* data, std::size_t size);

// Writes to a new file beside `path`, then renames it: a failed or killed save leaves the old file as it was.
// The same model gives the same bytes. `model` is checked as load_model would check it, and throws the same.
void save_model(const std::string& path, const ModelFile& model);

// T must be the model's dtype, else Error. Throws ModelFormatError when a layer's bytes are not as many as its sizes
// ask for, and what Network's constructor throws.
template <class T>
Network<T> build_network(const ModelFile& model);

}  // namespace fastnn
