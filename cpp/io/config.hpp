// The architecture of a model, from the JSON text that Sequential.get_config() gives.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "fastnn/model_file.hpp"

namespace fastnn::io {

struct LayerConfig {
  LayerKind kind;
  std::size_t inputs;
  std::size_t units;
  Activation activation = Activation::linear;
  Parameters parameters{};
  bool use_bias = false;  // of a Dense layer

  bool has(const WeightRow& weight) const { return weight.name != nullptr && (!weight.optional || use_bias); }
};

struct ModelConfig {
  Dtype dtype;
  std::size_t inputs;
  std::vector<LayerConfig> layers;
};

// `file` opens every message. Throws ModelFormatError for a value that is missing or wrong, UnsupportedModelError for a
// key, layer, activation, initializer or dtype that this version does not know, LimitError for more than kMaxLayers
// layers.
ModelConfig parse_config(const std::string& text, const std::string& file);

}  // namespace fastnn::io
