// See fastnn/model_file.hpp and docs/model-format.md: a model as a safetensors file. Reading and writing meet in
// expected_tensors(), which says what tensors a config asks for: what save_model writes is what load_model reads.
#include "model_file.hpp"

#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "../core/floating_point_mode.hpp"
#include "config.hpp"
#include "header.hpp"
#include "json.hpp"
#include "safetensors.hpp"
#include "text.hpp"

namespace fastnn {
namespace {

using io::Header;
using io::TensorInfo;

constexpr const char* kFormat = "fastnn";
constexpr const char* kVersion = "1";

const char* tensor_dtype(Dtype dtype) { return dtype == Dtype::float32 ? "F32" : "F64"; }

// Where a tensor belongs, and why it must have its shape.
struct Place {
  TensorInfo tensor;
  std::size_t layer;
  WeightRow weight;
};

std::vector<std::size_t> shape_of(const WeightRow& weight, std::size_t inputs, std::size_t units) {
  if (weight.shape == WeightShape::units) return {units};
  return {inputs, units};
}

std::vector<Place> expected_tensors(const ModelFile& model) {
  std::vector<Place> places;
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    const ModelLayer& layer = model.layers[i];
    for (const WeightRow& weight : layer_row(layer.kind).weights) {
      if (weight.name == nullptr || layer.weights.count(weight.name) == 0) continue;
      const std::string name = "layers." + std::to_string(i) + "." + weight.name;
      places.push_back({{name, tensor_dtype(model.dtype), shape_of(weight, layer.inputs, layer.units)}, i, weight});
    }
  }
  return places;
}

std::string shape_reason(const Place& place) {
  const std::string units = std::to_string(place.layer);
  if (place.weight.shape == WeightShape::units) return "the units of layer " + units;
  if (place.layer == 0) return "the model's inputs by the units of layer 0";
  return "the units of layer " + std::to_string(place.layer - 1) + " by those of layer " + units;
}

ModelFile check_metadata(const std::map<std::string, std::string>& metadata, const std::string& file) {
  // Before the keys: another program's file, or another version's, may have others.
  if (const auto format = metadata.find("format"); format != metadata.end() && format->second != kFormat) {
    throw ModelFormatError(file + ": has the format " + io::shown(format->second) + "; expected 'fastnn'");
  }
  if (const auto version = metadata.find("version"); version != metadata.end() && version->second != kVersion) {
    throw UnsupportedModelError(file + ": has the format version " + io::shown(version->second) +
                                "; this fastnn reads '1'");
  }
  io::check_object(io::Document(metadata).root(), {"format", "version", "config"}, {}, file + ": __metadata__");
  return io::parse_config(metadata.at("config"), file);
}

void check_tensor(const TensorInfo& tensor, const Place& place, Dtype dtype, const std::string& file) {
  const std::string where = file + ": tensor " + io::shown(tensor.name);
  if (tensor.dtype != place.tensor.dtype) {
    throw ModelFormatError(where + " has dtype " + tensor.dtype + "; expected " + place.tensor.dtype +
                           ", since the config's dtype is " + dtype_name(dtype));
  }
  if (tensor.shape != place.tensor.shape) {
    throw ModelFormatError(where + " has shape " + io::shape_text(tensor.shape) + "; expected " +
                           io::shape_text(place.tensor.shape) + ", " + shape_reason(place));
  }
}

// The places of the file's tensors, in the file's order; exactly those that the config asks for.
std::vector<Place> match_tensors(const Header& header, const ModelFile& model, const std::string& file) {
  std::map<std::string, Place> missing;
  for (Place& place : expected_tensors(model)) missing.emplace(place.tensor.name, place);
  std::vector<Place> places;
  for (const TensorInfo& tensor : header.tensors) {
    const auto found = missing.find(tensor.name);
    if (found == missing.end()) {
      throw ModelFormatError(file + ": tensor " + io::shown(tensor.name) + " does not belong to the model; expected " +
                             "layers.<i>.kernel, layers.<i>.bias and others as the config's " +
                             std::to_string(model.layers.size()) + " layers have them");
    }
    check_tensor(tensor, found->second, model.dtype, file);
    places.push_back(found->second);
    missing.erase(found);
  }
  if (!missing.empty()) {
    const Place& place = missing.begin()->second;
    throw ModelFormatError(file + ": tensor '" + place.tensor.name + "' is missing; expected shape " +
                           io::shape_text(place.tensor.shape) + ", " + shape_reason(place));
  }
  return places;
}

[[noreturn]] void fail_layer(const std::string& file, std::size_t layer, const std::string& found) {
  throw ModelFormatError(file + ": layer " + std::to_string(layer) + " has " + found);
}

// Checks that each weight has as many bytes as its shape asks for; without overflow, since the sizes come from the
// caller.
void check_sizes(const ModelLayer& layer, std::size_t index, Dtype dtype, const std::string& file) {
  const std::size_t itemsize = dtype == Dtype::float32 ? 4 : 8;
  for (const WeightRow& weight : layer_row(layer.kind).weights) {
    if (weight.name == nullptr) continue;
    const auto found = layer.weights.find(weight.name);
    if (found == layer.weights.end()) continue;  // Network's constructor knows which may be missing
    const std::size_t rows = weight.shape == WeightShape::units ? 1 : layer.inputs, bytes = found->second.size();
    if (layer.units != 0 && rows != 0 && bytes % itemsize == 0 && bytes / itemsize % layer.units == 0 &&
        bytes / itemsize / layer.units == rows)
      continue;
    fail_layer(file, index,
               std::string("a ") + weight.name + " of " + std::to_string(bytes) + " bytes; expected " +
                   dtype_name(dtype) + " of shape " + io::shape_text(shape_of(weight, layer.inputs, layer.units)));
  }
}

// What a layer is, but for its numbers.
std::string text_of(const ModelLayer& layer) {
  std::string text = std::string(layer_row(layer.kind).class_name) + " of shape " +
                     io::shape_text({layer.inputs, layer.units}) + ", activation '" +
                     activation_name(layer.activation) + "'";
  for (const double parameter : layer.parameters) text += " " + std::to_string(parameter);
  for (const auto& [name, numbers] : layer.weights) text += ", " + name;
  return text;
}

// Checks that model.layers are what model.config says.
void check_layers(const ModelFile& model, const ModelFile& config, const std::string& file) {
  if (model.dtype != config.dtype || model.inputs != config.inputs || model.layers.size() != config.layers.size()) {
    throw ModelFormatError(file + ": the model has " + std::to_string(model.inputs) + " inputs and " +
                           std::to_string(model.layers.size()) + " layers of " + dtype_name(model.dtype) +
                           "; expected those of its config, " + std::to_string(config.inputs) + ", " +
                           std::to_string(config.layers.size()) + " and " + dtype_name(config.dtype));
  }
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    const std::string found = text_of(model.layers[i]), expected = text_of(config.layers[i]);
    if (found != expected || model.layers[i].parameters != config.layers[i].parameters)
      fail_layer(file, i, found + "; expected its config's " + expected);
    check_sizes(model.layers[i], i, model.dtype, file);
  }
}

}  // namespace

ModelFile io::read_model(Input& input) {
  const DefaultFloatingPointMode mode;  // of decimal numbers, which become doubles
  io::SafetensorsFile file(input, io::Contents::model);
  ModelFile model = check_metadata(file.header().metadata, file.name());
  std::vector<char*> data;
  for (const Place& place : match_tensors(file.header(), model, file.name())) {
    std::vector<char>& numbers = model.layers[place.layer].weights[place.weight.name];
    numbers.resize(static_cast<std::size_t>(io::data_bytes(place.tensor, file.name())));
    data.push_back(numbers.data());
  }
  file.read_data(data);
  return model;
}

ModelFile load_model(const std::string& path) {
  const io::Descriptor opened = io::open_to_read(path);
  io::InputFile input(opened.number(), path);
  return io::read_model(input);
}

ModelFile parse_model(const void* data, std::size_t size) {
  if (data == nullptr) throw Error("expected the bytes of a model file; received a null pointer");
  io::InputBytes input("model", {static_cast<const char*>(data), size});
  return io::read_model(input);
}

void save_model(const std::string& path, const ModelFile& model) {
  const DefaultFloatingPointMode mode;
  const std::string file = io::escaped(path);
  check_layers(model, io::parse_config(model.config, file), file);
  Header header{{{"format", kFormat}, {"version", kVersion}, {"config", model.config}}, {}};
  std::vector<const char*> data;
  for (const Place& place : expected_tensors(model)) {
    header.tensors.push_back(place.tensor);
    data.push_back(model.layers[place.layer].weights.at(place.weight.name).data());
  }
  io::write_safetensors(path, header, data);
}

template <class T>
Network<T> build_network(const ModelFile& model) {
  if (model.dtype != kDtype<T>) {
    throw Error(std::string("expected a model of ") + dtype_name(kDtype<T>) + "; received one of " +
                dtype_name(model.dtype));
  }
  std::vector<Layer<T>> layers;
  std::size_t inputs = model.inputs;
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    const ModelLayer& layer = model.layers[i];
    check_sizes(layer, i, model.dtype, "model");
    if (layer.inputs != inputs) {
      fail_layer(
          "model", i,
          std::to_string(layer.inputs) + " inputs; expected " + std::to_string(inputs) + ", the units before it");
    }
    layers.push_back({layer.kind, layer.units, layer.activation, layer.parameters, {}});
    // A vector's memory is aligned for any T. No copy: Network packs the weights into memory of its own.
    for (const auto& [name, bytes] : layer.weights)
      layers.back().weights[name] = reinterpret_cast<const T*>(bytes.data());
    inputs = layer.units;
  }
  return Network<T>(model.inputs, layers);
}

template Network<float> build_network<float>(const ModelFile& model);
template Network<double> build_network<double>(const ModelFile& model);

}  // namespace fastnn
