// See config.hpp. Nothing is guessed: each key is known or refused, so that a file of a newer version can not be
// computed as something else.
#include "config.hpp"

#include <initializer_list>

#include "json.hpp"
#include "limits.hpp"
#include "text.hpp"

namespace fastnn::io {
namespace {

using Keys = std::initializer_list<const char*>;

bool contains(Keys keys, const std::string& key) {
  for (const char* k : keys) {
    if (key == k) return true;
  }
  return false;
}

std::string listed(Keys required, Keys optional) {
  std::string text;
  for (const Keys keys : {required, optional}) {
    for (const char* key : keys) text += (text.empty() ? "" : ", ") + std::string(key);
  }
  return text;
}

void check_object(const Json& json, Keys required, Keys optional, const std::string& where) {
  if (!json.is_object()) throw ModelFormatError(where + " is " + json_kind(json) + "; expected an object");
  for (const auto& [key, value] : json.items()) {
    if (!contains(required, key) && !contains(optional, key)) {
      throw UnsupportedModelError(where + " has the unknown key " + shown(key) + "; expected " +
                                  listed(required, optional));
    }
  }
  for (const char* key : required) {
    if (!json.contains(key)) {
      throw ModelFormatError(where + " has no '" + std::string(key) + "'; expected " + listed(required, optional));
    }
  }
}

std::string string_at(const Json& json, const char* key, const std::string& where) {
  const Json& value = json.at(key);
  if (value.is_string()) return value.get<std::string>();
  throw ModelFormatError(where + " has " + json_kind(value) + " as '" + key + "'; expected a string");
}

void check_name(const Json& json, const std::string& where) {
  if (json.contains("name")) string_at(json, "name", where);
}

std::size_t size_of(const Json& value, const std::string& where, const char* what) {
  if (value.is_number_unsigned() && value.get<std::uint64_t>() > 0) return value.get<std::size_t>();
  const std::string found = value.is_number_integer() ? value.dump() : json_kind(value);
  throw ModelFormatError(where + " has " + found + " as " + what + "; expected a whole number of at least 1");
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

LayerConfig parse_dense(const Json& config, std::size_t inputs, const std::string& where) {
  check_object(config, {"units", "activation", "use_bias"}, {"name", "kernel_initializer", "bias_initializer"}, where);
  check_name(config, where);
  const Json& use_bias = config["use_bias"];
  if (!use_bias.is_boolean()) {
    throw ModelFormatError(where + " has " + json_kind(use_bias) + " as 'use_bias'; expected true or false");
  }
  return {inputs, size_of(config["units"], where, "'units'"), activation_at(config, where), true, use_bias.get<bool>()};
}

LayerConfig parse_activation(const Json& config, std::size_t inputs, const std::string& where) {
  check_object(config, {"activation"}, {"name"}, where);
  check_name(config, where);
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
  check_name(json, where);
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
  std::size_t inputs = config.inputs;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    config.layers.push_back(parse_layer(layers[i], inputs, file + ": layer " + std::to_string(i)));
    inputs = config.layers.back().units;
  }
  return config;
}

}  // namespace fastnn::io
