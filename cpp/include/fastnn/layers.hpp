// The kinds of layers: the table that the kernels, networks, files, Python and exporters read.
#pragma once

#include <cstddef>
#include <cstdint>

#include "fastnn/activation.hpp"

namespace fastnn {

enum class LayerKind : std::uint8_t {
  dense,                // activation(x · kernel + bias)
  activation,           // activation(x)
  prelu,                // alpha · x where x < 0, else x
  affine,               // x · scale + shift
  layer_normalization,  // (x - mean) / sqrt(variance + epsilon) · gamma + beta; mean and variance of the row
  batch_normalization,  // the same with the mean and the variance of each unit, which are weights
};

enum class WeightShape : std::uint8_t { inputs_by_units, units };

// A weight of a kind of layer.
struct WeightRow {
  const char* name = nullptr;  // null: there are no more
  WeightShape shape = WeightShape::units;
  double initial = 0;  // its numbers in a new layer, and where the layer does without it; a kernel's are drawn
  const char* option = nullptr;  // the key in configs that says whether a layer has the weight; null: it always has
};

constexpr std::size_t kMostWeights = 4;

// A kind of layer. A layer with an activation has that one's parameters. Only a layer with a kernel chooses its units;
// the others have as many units as inputs.
struct LayerRow {
  LayerKind kind;
  const char* class_name;  // in Python and in files
  const char* name;        // in fingerprints; null: the activation's
  bool has_activation;
  WeightRow weights[kMostWeights];  // in the order of Keras' get_weights()
  Parameter parameters[kMostParameters];

  constexpr bool has_kernel() const {
    return weights[0].name != nullptr && weights[0].shape == WeightShape::inputs_by_units;
  }
};

constexpr LayerRow kLayers[] = {
    {LayerKind::dense,
     "Dense",
     nullptr,
     true,
     {{"kernel", WeightShape::inputs_by_units}, {"bias", WeightShape::units, 0, "use_bias"}},
     {}},
    {LayerKind::activation, "Activation", nullptr, true, {}, {}},
    {LayerKind::prelu, "PReLU", "prelu", false, {{"alpha"}}, {}},
    {LayerKind::affine, "Affine", "affine", false, {{"scale", WeightShape::units, 1}, {"shift"}}, {}},
    {LayerKind::layer_normalization,
     "LayerNormalization",
     "layer_normalization",
     false,
     {{"gamma", WeightShape::units, 1}, {"beta"}},
     {{"epsilon", Domain::not_negative, 0.001}}},
    {LayerKind::batch_normalization,
     "BatchNormalization",
     "batch_normalization",
     false,
     {{"gamma", WeightShape::units, 1, "scale"},
      {"beta", WeightShape::units, 0, "center"},
      {"moving_mean"},
      {"moving_variance", WeightShape::units, 1}},
     {{"epsilon", Domain::not_negative, 0.001}}},
};

}  // namespace fastnn
