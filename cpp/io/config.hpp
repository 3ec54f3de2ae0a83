// The architecture of a model, from the JSON text that Sequential.get_config() gives.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "fastnn/model_file.hpp"

namespace fastnn::io {

struct LayerConfig {
  std::size_t inputs;
  std::size_t units;
  Activation activation;
  ActivationParameters parameters;
  bool has_kernel;  // a Dense layer; else one with as many units as inputs
  bool has_bias;
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
