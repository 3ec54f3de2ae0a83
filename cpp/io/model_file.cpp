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
using io::LayerConfig;
using io::ModelConfig;
using io::TensorInfo;

constexpr const char* kFormat = "fastnn";
constexpr const char* kVersion = "1";

const char* tensor_dtype(Dtype dtype) { return dtype == Dtype::float32 ? "F32" : "F64"; }

// The tensors that hold a layer's scale and shift; null: it has none.
struct TensorsOfUnits {
  const char* scale = nullptr;
  const char* shift = nullptr;
};

TensorsOfUnits tensors_of_units(Activation activation) {
  switch (activation) {
    case Activation::prelu: return {".alpha", nullptr};
    case Activation::affine: return {".scale", ".shift"};
    case Activation::layer_normalization: return {".gamma", ".beta"};
    default: return {};
  }
}

struct OfUnits {
  std::vector<char> ModelLayer::* data;
  const char* name;
};
constexpr OfUnits kOfUnits[] = {
    {&ModelLayer::bias, "bias"}, {&ModelLayer::scale, "scale"}, {&ModelLayer::shift, "shift"}};

// Where a tensor belongs, and why it must have its shape.
struct Place {
  TensorInfo tensor;
  std::size_t layer;
  std::vector<char> ModelLayer::* data;
};

std::vector<Place> expected_tensors(const ModelConfig& config) {
  std::vector<Place> places;
  for (std::size_t i = 0; i < config.layers.size(); ++i) {
    const LayerConfig& layer = config.layers[i];
    const std::string name = "layers." + std::to_string(i);
    const char* dtype = tensor_dtype(config.dtype);
    if (layer.has_kernel)
      places.push_back({{name + ".kernel", dtype, {layer.inputs, layer.units}}, i, &ModelLayer::kernel});
    const auto add = [&](const char* tensor, std::vector<char> ModelLayer::* data) {
      places.push_back({{name + tensor, dtype, {layer.units}}, i, data});
    };
    if (layer.has_bias) add(".bias", &ModelLayer::bias);
    const TensorsOfUnits names = tensors_of_units(layer.activation);
    if (names.scale != nullptr) add(names.scale, &ModelLayer::scale);
    if (names.shift != nullptr) add(names.shift, &ModelLayer::shift);
  }
  return places;
}

std::string shape_reason(const Place& place) {
  const std::string units = std::to_string(place.layer);
  if (place.data != &ModelLayer::kernel) return "the units of layer " + units;
  if (place.layer == 0) return "the model's inputs by the units of layer 0";
  return "the units of layer " + std::to_string(place.layer - 1) + " by those of layer " + units;
}

ModelConfig check_metadata(const std::map<std::string, std::string>& metadata, const std::string& file) {
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
std::vector<Place> match_tensors(const Header& header, const ModelConfig& config, const std::string& file) {
  std::map<std::string, Place> missing;
  for (Place& place : expected_tensors(config)) missing.emplace(place.tensor.name, place);
  std::vector<Place> places;
  for (const TensorInfo& tensor : header.tensors) {
    const auto found = missing.find(tensor.name);
    if (found == missing.end()) {
      throw ModelFormatError(file + ": tensor " + io::shown(tensor.name) + " does not belong to the model; expected " +
                             "layers.<i>.kernel, layers.<i>.bias and others as the config's " +
                             std::to_string(config.layers.size()) + " layers have them");
    }
    check_tensor(tensor, found->second, config.dtype, file);
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

// That the bytes in memory are as many as inputs x units ask for; without overflow, since `dtype` and sizes come from
// the caller.
void check_sizes(const ModelLayer& layer, std::size_t index, Dtype dtype, const std::string& file) {
  const std::size_t itemsize = dtype == Dtype::float32 ? 4 : 8;
  const auto holds = [&](const std::vector<char>& data, std::size_t rows) {
    return layer.units != 0 && rows != 0 && data.size() % itemsize == 0 && data.size() / itemsize % layer.units == 0 &&
           data.size() / itemsize / layer.units == rows;
  };
  const bool has_kernel = !layer.kernel.empty() || !layer.bias.empty() || layer.units != layer.inputs;
  if (has_kernel && !holds(layer.kernel, layer.inputs)) {
    fail_layer(file, index,
               "a kernel of " + std::to_string(layer.kernel.size()) + " bytes; expected " + dtype_name(dtype) +
                   " of shape " + io::shape_text({layer.inputs, layer.units}));
  }
  for (const auto& [data, name] : kOfUnits) {
    const std::vector<char>& numbers = layer.*data;
    if (numbers.empty() || holds(numbers, 1)) continue;
    fail_layer(file, index,
               std::string("a ") + name + " of " + std::to_string(numbers.size()) + " bytes; expected " +
                   dtype_name(dtype) + " of shape " + io::shape_text({layer.units}));
  }
}

// That model.layers are what model.config says.
void check_layers(const ModelFile& model, const ModelConfig& config, const std::string& file) {
  if (model.dtype != config.dtype || model.inputs != config.inputs || model.layers.size() != config.layers.size()) {
    throw ModelFormatError(file + ": the model has " + std::to_string(model.inputs) + " inputs and " +
                           std::to_string(model.layers.size()) + " layers of " + dtype_name(model.dtype) +
                           "; expected those of its config, " + std::to_string(config.inputs) + ", " +
                           std::to_string(config.layers.size()) + " and " + dtype_name(config.dtype));
  }
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    const ModelLayer& layer = model.layers[i];
    const LayerConfig& expected = config.layers[i];
    if (layer.inputs != expected.inputs || layer.units != expected.units || layer.activation != expected.activation ||
        layer.parameters != expected.parameters) {
      fail_layer(file, i,
                 "shape " + io::shape_text({layer.inputs, layer.units}) + " and activation '" +
                     activation_name(layer.activation) + "'; expected those of the config, " +
                     io::shape_text({expected.inputs, expected.units}) + " and '" +
                     activation_name(expected.activation) + "'");
    }
    const auto check_presence = [&](bool is_there, bool is_expected, const char* name) {
      if (is_there != is_expected)
        fail_layer(file, i, std::string(is_there ? "a " : "no ") + name + ", unlike its config");
    };
    const TensorsOfUnits names = tensors_of_units(expected.activation);
    check_presence(!layer.kernel.empty(), expected.has_kernel, "kernel");
    check_presence(!layer.bias.empty(), expected.has_bias, "bias");
    check_presence(!layer.scale.empty(), names.scale != nullptr, "scale");
    check_presence(!layer.shift.empty(), names.shift != nullptr, "shift");
    check_sizes(layer, i, model.dtype, file);
  }
}

}  // namespace

ModelFile io::read_model(Input& input) {
  const DefaultFloatingPointMode mode;  // of decimal numbers, which become doubles
  io::SafetensorsFile file(input, io::Contents::model);
  const ModelConfig config = check_metadata(file.header().metadata, file.name());
  const std::vector<Place> places = match_tensors(file.header(), config, file.name());
  ModelFile model{file.header().metadata.at("config"), config.dtype, config.inputs, {}};
  for (const LayerConfig& layer : config.layers) {
    model.layers.push_back({layer.inputs, layer.units, layer.activation, {}, {}, layer.parameters, {}, {}});
  }
  std::vector<char*> data;
  for (const Place& place : places) {
    std::vector<char>& numbers = model.layers[place.layer].*place.data;
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
  const ModelConfig config = io::parse_config(model.config, file);
  check_layers(model, config, file);
  Header header{{{"format", kFormat}, {"version", kVersion}, {"config", model.config}}, {}};
  std::vector<const char*> data;
  for (const Place& place : expected_tensors(config)) {
    header.tensors.push_back(place.tensor);
    data.push_back((model.layers[place.layer].*place.data).data());
  }
  io::write_safetensors(path, header, data);
}

template <class T>
Network<T> build_network(const ModelFile& model) {
  if (model.dtype != kDtype<T>) {
    throw Error(std::string("expected a model of ") + dtype_name(kDtype<T>) + "; received one of " +
                dtype_name(model.dtype));
  }
  // A vector's memory is aligned for any T. No copy: Network packs the weights into memory of its own.
  const auto numbers = [](const std::vector<char>& bytes) {
    return bytes.empty() ? nullptr : reinterpret_cast<const T*>(bytes.data());
  };
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
    layers.push_back({layer.units, layer.activation, numbers(layer.kernel), numbers(layer.bias), layer.parameters,
                      numbers(layer.scale), numbers(layer.shift)});
    inputs = layer.units;
  }
  return Network<T>(model.inputs, layers);
}

template Network<float> build_network<float>(const ModelFile& model);
template Network<double> build_network<double>(const ModelFile& model);

}  // namespace fastnn
