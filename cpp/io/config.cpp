// See config.hpp. Nothing is guessed: each key is known or refused, so that a file of a newer version can not be
// computed as something else.
#include "config.hpp"

#include <cstdint>
#include <set>
#include <stdexcept>

#include "json.hpp"
#include "limits.hpp"
#include "text.hpp"

namespace fastnn::io {
namespace {

std::string string_at(const Json& json, const char* key, const std::string& where) {
  const Json& value = json.at(key);
  if (value.is_string()) return value.get<std::string>();
  throw ModelFormatError(where + " has " + json_kind(value) + " as '" + key + "'; expected a string");
}

// Empty when there is none.
std::string parse_name(const Json& json, const std::string& where) {
  if (!json.contains("name")) return "";
  const std::string name = string_at(json, "name", where);
  if (name.empty()) throw ModelFormatError(where + " has an empty 'name'; expected at least 1 character");
  return name;
}

bool is_whole(const Json& value, std::uint64_t least, std::uint64_t most) {
  return value.is_number_unsigned() && value.get<std::uint64_t>() >= least && value.get<std::uint64_t>() <= most;
}

std::string number_text(const Json& value) { return value.is_number_integer() ? value.dump() : json_kind(value); }

std::size_t size_of(const Json& value, const std::string& where, const char* what) {
  if (is_whole(value, 1, kMaxSize)) return value.get<std::size_t>();
  throw ModelFormatError(where + " has " + number_text(value) + " as " + what + "; expected a whole number from 1 to " +
                         std::to_string(kMaxSize));
}

Activation activation_at(const Json& json, const std::string& where) {
  const std::string name = string_at(json, "activation", where);
  try {
    // Cut and escaped, since the error repeats the name; neither can turn another name into an activation's.
    return activation_from_name(escaped(name.substr(0, 60)));
  } catch (const std::invalid_argument& error) {
    throw UnsupportedModelError(where + ": " + error.what());
  }
}

// As python/fastnn/initializers.py serializes them. Only Python draws weights: nothing is kept.
void check_initializer(const Json& layer, const char* key, const std::string& layer_place) {
  if (!layer.contains(key)) return;
  const std::string where = layer_place + ": its " + key;
  const Json& json = layer[key];
  check_object(json, {"class_name", "config"}, {}, where);
  const std::string class_name = string_at(json, "class_name", where);
  const std::string config_place = where + "'s config";
  if (class_name == "Zeros") return check_object(json["config"], {}, {}, config_place);
  if (class_name != "GlorotUniform") {
    throw UnsupportedModelError(where + " has the class_name " + shown(class_name) +
                                "; expected GlorotUniform or Zeros");
  }
  check_object(json["config"], {"seed"}, {}, config_place);
  const Json& seed = json["config"]["seed"];
  if (seed.is_null() || is_whole(seed, 0, kMaxSeed)) return;
  throw ModelFormatError(config_place + " has " + number_text(seed) + " as 'seed'; expected null or a whole number " +
                         "from 0 to " + std::to_string(kMaxSeed));
}

LayerConfig parse_dense(const Json& config, std::size_t inputs, const std::string& where) {
  check_object(config, {"units", "activation", "use_bias"}, {"name", "kernel_initializer", "bias_initializer"}, where);
  check_initializer(config, "kernel_initializer", where);
  check_initializer(config, "bias_initializer", where);
  const Json& use_bias = config["use_bias"];
  if (!use_bias.is_boolean()) {
    throw ModelFormatError(where + " has " + json_kind(use_bias) + " as 'use_bias'; expected true or false");
  }
  return {inputs, size_of(config["units"], where, "'units'"), activation_at(config, where), true, use_bias.get<bool>()};
}

LayerConfig parse_activation(const Json& config, std::size_t inputs, const std::string& where) {
  check_object(config, {"activation"}, {"name"}, where);
  return {inputs, inputs, activation_at(config, where), false, false};
}

LayerConfig parse_layer(const Json& json, std::size_t inputs, const std::string& where) {
  check_object(json, {"class_name", "config"}, {}, where);
  const std::string class_name = string_at(json, "class_name", where);
  if (class_name == "Dense") return parse_dense(json["config"], inputs, where);
  if (class_name == "Activation") return parse_activation(json["config"], inputs, where);
  throw UnsupportedModelError(where + " has the class_name " + shown(class_name) + "; expected Dense or Activation");
}

Dtype parse_dtype(const Json& json, const std::string& where) {
  const std::string name = string_at(json, "dtype", where);
  if (name == "float32") return Dtype::float32;
  if (name == "float64") return Dtype::float64;
  throw UnsupportedModelError(where + " has the dtype " + shown(name) + "; expected float32 or float64");
}

std::size_t parse_inputs(const Json& shape, const std::string& where) {
  if (!shape.is_array() || shape.size() != 2 || !shape[0].is_null()) {
    throw ModelFormatError(where + " has a 'build_input_shape' that is not [null, inputs]");
  }
  return size_of(shape[1], where, "the inputs in 'build_input_shape'");
}

}  // namespace

ModelConfig parse_config(const std::string& text, const std::string& file) {
  const std::string where = file + ": the config";
  const Json json = parse_strict(text, where);
  check_object(json, {"dtype", "build_input_shape", "layers"}, {"name"}, where);
  parse_name(json, where);
  ModelConfig config{parse_dtype(json, where), parse_inputs(json["build_input_shape"], where), {}};
  const Json& layers = json["layers"];
  if (!layers.is_array() || layers.empty()) {
    throw ModelFormatError(where + " has " + (layers.is_array() ? "an empty array" : json_kind(layers)) +
                           " as 'layers'; expected an array of at least one layer");
  }
  if (layers.size() > kMaxLayers) {
    throw LimitError(where + " has " + std::to_string(layers.size()) + " layers; fastnn reads at most " +
                     std::to_string(kMaxLayers));
  }
  std::set<std::string> names;
  std::size_t inputs = config.inputs;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const std::string place = file + ": layer " + std::to_string(i);
    config.layers.push_back(parse_layer(layers[i], inputs, place));
    const std::string name = parse_name(layers[i]["config"], place);
    if (!name.empty() && !names.insert(name).second) {
      throw ModelFormatError(place + " has the name " + shown(name) + " of a layer before it; expected unique names");
    }
    inputs = config.layers.back().units;
  }
  if (!names.empty() && names.size() != layers.size()) {  // Python's automatic names might be those of other layers
    throw ModelFormatError(where + " has names for " + std::to_string(names.size()) + " of " +
                           std::to_string(layers.size()) + " layers; expected one for each or none");
  }
  return config;
}

}  // namespace fastnn::io
