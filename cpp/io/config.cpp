// parse_config() of fastnn/model_file.hpp. Nothing is guessed: each key is known or refused, so that a file of a newer
// version can not be computed as something else.
#include <cstdint>
#include <limits>
#include <set>

#include "../core/floating_point_mode.hpp"
#include "columns.hpp"
#include "fastnn/model_file.hpp"
#include "json.hpp"
#include "limits.hpp"
#include "text.hpp"

namespace fastnn {
namespace {

using namespace io;

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

Keys names_of(const std::vector<Parameter>& rows) {
  Keys names;
  for (const Parameter& row : rows) names.emplace_back(row.name);
  return names;
}

// A number for each parameter; null stands for an infinite minimum or maximum, which JSON does not have.
Parameters parameters_at(const Json& json, const std::vector<Parameter>& rows, const std::string& where) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  Parameters parameters{};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Json& value = json[rows[i].name];
    if (value.is_null() && (rows[i].domain == Domain::minimum || rows[i].domain == Domain::maximum)) {
      parameters[i] = rows[i].domain == Domain::minimum ? -kInfinity : kInfinity;
    } else if (value.is_number()) {
      parameters[i] = value.get<double>();
    } else {
      throw ModelFormatError(where + " has " + json_kind(value) + " as '" + rows[i].name + "'; expected a number");
    }
  }
  try {
    check_parameters(rows, parameters);
  } catch (const Error& error) {
    throw ModelFormatError(where + ": " + error.what());
  }
  return parameters;
}

Activation activation_named(const std::string& name, const std::string& where) {
  if (const ActivationRow* row = find_activation(name)) return row->activation;
  throw UnsupportedModelError(where + ": expected an activation among " + activation_names() + "; received " +
                              shown(name));
}

// A name, or an object of the name and the parameters.
void parse_activation(const Json& json, LayerArchitecture& layer, const std::string& where) {
  const Json& value = json["activation"];
  if (!value.is_object()) {
    layer.activation = activation_named(string_at(json, "activation", where), where);
    const Keys names = names_of(parameters_of(layer.kind, layer.activation));
    if (names.empty()) return;
    throw ModelFormatError(where + " has the name " + activation_name(layer.activation) +
                           " alone as 'activation'; expected " + "an object of the name and its " + names[0] +
                           (names.size() > 1 ? " and " + names[1] : ""));
  }
  const std::string place = where + ": its activation";
  if (!value.contains("name")) check_object(value, {"name"}, {}, place);
  layer.activation = activation_named(string_at(value, "name", place), place);
  const std::vector<Parameter> rows = parameters_of(layer.kind, layer.activation);
  Keys keys = names_of(rows);
  keys.insert(keys.begin(), "name");
  check_object(value, keys, {}, place);
  layer.parameters = parameters_at(value, rows, place);
}

// A class of fastnn in Python with its arguments: an initializer, or what Keras calls a layer. It decides no answer, so
// only its form is checked. Python refuses what it does not know.
void check_class(const Json& json, const std::string& where) {
  check_object(json, {"class_name", "config"}, {}, where);
  string_at(json, "class_name", where);
  if (!json["config"].is_object())
    throw ModelFormatError(where + "'s config: expected an object; received " + json_kind(json["config"]));
}

bool flag_at(const Json& json, const char* key, const std::string& where) {
  const Json& value = json[key];
  if (value.is_boolean()) return value.get<bool>();
  throw ModelFormatError(where + " has " + json_kind(value) + " as '" + key + "'; expected true or false");
}

const LayerRow& row_of_class(const std::string& class_name, const std::string& where) {
  if (const LayerRow* row = find_layer(class_name)) return *row;
  throw UnsupportedModelError(where + " has the class_name " + shown(class_name) + "; expected one of " +
                              layer_names());
}

LayerArchitecture parse_layer(const Json& json, std::size_t inputs, const std::string& where) {
  check_object(json, {"class_name", "config"}, {"keras"}, where);
  if (json.contains("keras")) check_class(json["keras"], where + ": its keras");
  const LayerRow& row = row_of_class(string_at(json, "class_name", where), where);
  const Json& config = json["config"];
  LayerArchitecture layer{row.kind, inputs, inputs};
  Keys required, optional = {"name"};
  if (row.has_kernel()) {
    required = {"units"};
    optional = {"name", "kernel_initializer", "bias_initializer"};
  }
  if (row.has_activation) {
    required.emplace_back("activation");
  } else {
    required = names_of(parameters_of(row.kind, layer.activation));
  }
  for (const WeightRow& weight : row.weights)
    if (weight.option != nullptr) required.emplace_back(weight.option);
  check_object(config, required, optional, where);
  for (const std::string& key : optional)
    if (key != "name" && config.contains(key)) check_class(config[key], where + ": its " + key);
  for (const WeightRow& weight : row.weights)
    if (weight.name != nullptr && (weight.option == nullptr || flag_at(config, weight.option, where)))
      layer.weights.push_back(weight);
  if (row.has_activation) {
    parse_activation(config, layer, where);
  } else {
    layer.parameters = parameters_at(config, parameters_of(row.kind, layer.activation), where);
  }
  if (row.has_kernel()) layer.units = size_of(config["units"], where, "'units'");
  return layer;
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

// What the outputs stand for: as many as there are, or two for one output.
void check_classes(const Json& classes, std::size_t units, const std::string& where) {
  const std::size_t expected = units == 1 ? 2 : units;
  if (!classes.is_array() || classes.size() != expected) {
    throw ModelFormatError(where + " has " +
                           (classes.is_array() ? std::to_string(classes.size()) : json_kind(classes)) +
                           " as 'classes'; expected an array of " + std::to_string(expected) + ", for " +
                           std::to_string(units) + " outputs");
  }
  for (const Json& each : classes) {
    if (!each.is_string() && !each.is_number() && !each.is_boolean()) {
      throw ModelFormatError(where + " has " + json_kind(each) +
                             " in 'classes'; expected strings, numbers or booleans");
    }
  }
}

// A string for each input, each unlike the others.
void check_feature_names(const Json& names, std::size_t inputs, const std::string& where) {
  if (!names.is_array() || names.size() != inputs) {
    throw ModelFormatError(where + " has " + (names.is_array() ? std::to_string(names.size()) : json_kind(names)) +
                           " as 'feature_names'; expected an array of " + std::to_string(inputs) +
                           ", one for each input");
  }
  std::set<std::string> seen;
  for (const Json& each : names) {
    if (!each.is_string()) {
      throw ModelFormatError(where + " has " + json_kind(each) + " in 'feature_names'; expected strings");
    }
    if (!seen.insert(each.get<std::string>()).second) {
      throw ModelFormatError(where + " has " + shown(each.get<std::string>()) +
                             " twice in 'feature_names'; expected unique names");
    }
  }
}

}  // namespace

std::shared_ptr<const Architecture> parse_config(const std::string& text, const std::string& file) {
  const DefaultFloatingPointMode mode;  // of decimal numbers, which become doubles
  const std::string where = file + ": the config";
  const Document document = parse_strict(text, where);
  const Json& json = document.root();
  check_object(json, {"dtype", "build_input_shape", "layers"}, {"name", "classes", "feature_names", "columns"}, where);
  parse_name(json, where);
  Architecture model{text, parse_dtype(json, where), parse_inputs(json["build_input_shape"], where), {}};
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
  std::size_t inputs = model.inputs;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const std::string place = file + ": layer " + std::to_string(i);
    model.layers.push_back(parse_layer(layers[i], inputs, place));
    const std::string name = parse_name(layers[i]["config"], place);
    if (!name.empty() && !names.insert(name).second) {
      throw ModelFormatError(place + " has the name " + shown(name) + " of a layer before it; expected unique names");
    }
    inputs = model.layers.back().units;
  }
  if (!names.empty() && names.size() != layers.size()) {  // Python's automatic names might be those of other layers
    throw ModelFormatError(where + " has names for " + std::to_string(names.size()) + " of " +
                           std::to_string(layers.size()) + " layers; expected one for each or none");
  }
  if (json.contains("classes")) check_classes(json["classes"], inputs, where);
  if (json.contains("feature_names")) check_feature_names(json["feature_names"], model.inputs, where);
  if (json.contains("columns")) {
    if (json.contains("feature_names"))
      throw ModelFormatError(where +
                             " has 'feature_names' and 'columns'; expected one of them, since columns have names");
    model.columns = parse_columns(json["columns"], model.inputs, where);
  }
  return std::make_shared<const Architecture>(std::move(model));
}

}  // namespace fastnn
