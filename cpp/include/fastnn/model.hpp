// Model files: a network's weights and architecture in one safetensors file (docs/model-format.md).
//
//   const fastnn::Model model = fastnn::load_model("digits.safetensors");
//   if (model.dtype == fastnn::Dtype::float32) { auto network = fastnn::build_network<float>(model); … }
//
// A model to save is one that was loaded, with other weights; its config, JSON as Python's Sequential.get_config()
// gives it, stays. A C++ program seldom has cause to write one of its own (docs/model-format.md says how).
//
//   fastnn::Model model = fastnn::load_model("digits.safetensors");
//   std::vector<char>& bias = model.layers[0].bias;
//   std::memcpy(bias.data(), numbers, bias.size());  // float or double, as model.dtype says
//   fastnn::save_model("better.safetensors", model);
#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>
#include <vector>

#include "fastnn/activation.hpp"
#include "fastnn/network.hpp"

namespace fastnn {

enum class Dtype { float32, float64 };

// The file is not a valid fastnn model; what() is one sentence that names the file and the fault.
struct ModelFormatError : std::invalid_argument {
  using std::invalid_argument::invalid_argument;
};
// The file is well formed but asks for what this version does not know (a dtype, a layer, a format version).
struct UnsupportedModelError : ModelFormatError {
  using ModelFormatError::ModelFormatError;
};
// The file is larger, in some count, than fastnn reads.
struct LimitError : ModelFormatError {
  using ModelFormatError::ModelFormatError;
};

// One layer of a model file. `kernel` is (inputs, units), the others are (units,), as raw little-endian numbers of the
// model's dtype; those that the layer does not have are empty (network.hpp's Layer).
struct ModelLayer {
  std::size_t inputs = 0;
  std::size_t units = 0;
  Activation activation = Activation::linear;
  std::vector<char> kernel;
  std::vector<char> bias;
  ActivationParameters parameters{};
  std::vector<char> scale{};  // PReLU's alpha, Affine's scale, LayerNormalization's gamma
  std::vector<char> shift{};  // Affine's shift, LayerNormalization's beta
};

struct Model {
  std::string config;  // the architecture as JSON, as Sequential.get_config() gives it
  Dtype dtype = Dtype::float32;
  std::size_t inputs = 0;
  std::vector<ModelLayer> layers;
};

// Reads and checks the whole file before it returns. Throws ModelFormatError, UnsupportedModelError or LimitError (what
// the file says), std::filesystem::filesystem_error (what the system says), std::bad_alloc; std::invalid_argument for a
// path with a NUL byte.
Model load_model(const std::string& path);

// Writes to a new file beside `path`, then renames it: a failed or killed save leaves the old file as it was.
// The same model gives the same bytes. `model` is checked as load_model would check it, and throws the same.
void save_model(const std::string& path, const Model& model);

// T must be the model's dtype, else std::invalid_argument. Throws ModelFormatError when a layer's bytes are not as many
// as its sizes ask for, and what Network's constructor throws.
template <class T>
Network<T> build_network(const Model& model);

}  // namespace fastnn
