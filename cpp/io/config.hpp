// The architecture of a model, from the JSON text that Sequential.get_config() gives.
#pragma once

#include <string>

#include "fastnn/model_file.hpp"

namespace fastnn::io {

// A model whose layers have all their weights by name, but no numbers yet. `file` opens every message. Throws
// ModelFormatError for a value that is missing or wrong; UnsupportedModelError for a key, layer, activation,
// initializer or dtype that this version does not know; LimitError for more than kMaxLayers layers.
ModelFile parse_config(const std::string& text, const std::string& file);

}  // namespace fastnn::io
