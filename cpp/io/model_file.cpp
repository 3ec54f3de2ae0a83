// See fastnn/model_file.hpp and docs/model-format.md: a model as a safetensors file. expected_tensors() says what
// tensors an architecture has: reading, writing and building compare with it alone.
#include "model_file.hpp"

#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "json.hpp"
#include "safetensors.hpp"
#include "text.hpp"

namespace fastnn {
namespace {

using io::Header;
using io::TensorInfo;

constexpr const char* kFormat = "fastnn";
constexpr const char* kVersion = "1";
constexpr const char* kVersionOfTraining = "2";  // with a part for training
constexpr const char* kTrainingKey = "training";

// Where a tensor belongs, and why it must have its shape.
struct Place {
  TensorInfo tensor;
  std::size_t layer;
  WeightRow weight;
};

std::vector<std::size_t> shape_of(const WeightRow& weight, const LayerArchitecture& layer) {
  if (weight.shape == WeightShape::units) return {layer.units};
  return {layer.inputs, layer.units};
}

std::vector<Place> expected_tensors(const Architecture& architecture) {
  std::vector<Place> places;
  for (std::size_t i = 0; i < architecture.layers.size(); ++i) {
    const LayerArchitecture& layer = architecture.layers[i];
    for (const WeightRow& weight : layer.weights) {
      const std::string name = "layers." + std::to_string(i) + "." + weight.name;
      const char* dtype = architecture.dtype == Dtype::float32 ? "F32" : "F64";
      places.push_back({{name, dtype, shape_of(weight, layer)}, i, weight});
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

std::shared_ptr<const Architecture> parse_metadata(const std::map<std::string, std::string>& metadata,
                                                   const std::string& file) {
  io::Keys keys = {"format", "version", "config"};
  // Before the keys: another program's file, or another version's, may have others.
  if (const auto format = metadata.find("format"); format != metadata.end() && format->second != kFormat) {
    throw ModelFormatError(file + ": has the format " + io::shown(format->second) + "; expected 'fastnn'");
  }
  if (const auto version = metadata.find("version"); version != metadata.end() && version->second != kVersion) {
    if (version->second != kVersionOfTraining)
      throw UnsupportedModelError(file + ": has the format version " + io::shown(version->second) +
                                  "; this fastnn reads '1' and '2'");
    keys.emplace_back(kTrainingKey);
  }
  io::check_object(io::Document(metadata).root(), keys, {}, file + ": __metadata__");
  return parse_config(metadata.at("config"), file);
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

// Whether a tensor belongs to the part for training, which predictions do not need.
bool is_of_training(const Header& header, const TensorInfo& tensor) {
  return header.metadata.count(kTrainingKey) != 0 && tensor.name.rfind(io::kTrainingPrefix, 0) == 0;
}

// The places of the file's tensors, in the file's order, without those of training; exactly those that the config asks
// for.
std::vector<Place> match_tensors(const Header& header, const Architecture& model, const std::string& file) {
  std::map<std::string, Place> missing;
  for (Place& place : expected_tensors(model)) missing.emplace(place.tensor.name, place);
  std::vector<Place> places;
  for (const TensorInfo& tensor : header.tensors) {
    if (is_of_training(header, tensor)) continue;
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

const Architecture& architecture_of(const ModelFile& model) {
  if (model.architecture != nullptr) return *model.architecture;
  throw Error("expected a model with an architecture; received a null pointer");
}

// Returns the weights' numbers in the order of `places`, which are those of the architecture.
std::vector<const char*> check_weights(const ModelFile& model, const Architecture& architecture,
                                       const std::vector<Place>& places, const std::string& file) {
  std::size_t received = 0;
  for (const auto& weights : model.weights) received += weights.size();
  if (model.weights.size() != architecture.layers.size() || received != places.size()) {
    throw ModelFormatError(file + ": the model has " + std::to_string(received) + " weights in " +
                           std::to_string(model.weights.size()) + " layers; expected " + std::to_string(places.size()) +
                           " in " + std::to_string(architecture.layers.size()) + ", those of its config");
  }
  std::vector<const char*> data;
  for (const Place& place : places) {
    const auto& weights = model.weights[place.layer];
    const auto found = weights.find(place.weight.name);
    const std::uint64_t bytes = io::data_bytes(place.tensor, file);
    if (found == weights.end() || found->second.size() != bytes) {
      throw ModelFormatError(
          file + ": layer " + std::to_string(place.layer) + " has " + (found == weights.end() ? "no " : "a ") +
          place.weight.name + (found == weights.end() ? "" : " of " + std::to_string(found->second.size()) + " bytes") +
          "; expected " + dtype_name(architecture.dtype) + " of shape " + io::shape_text(place.tensor.shape));
    }
    data.push_back(found->second.data());
  }
  return data;
}

// What the part for training begins with, for messages.
std::string training_of(const std::string& file) { return file + ": the part for training"; }

void check_settings(const std::string& settings, const std::string& file) {
  const io::Document document = io::parse_strict(settings, training_of(file));
  if (!document.root().is_object())
    throw ModelFormatError(training_of(file) + ": expected an object; received " + io::json_kind(document.root()));
}

}  // namespace

ModelFile io::read_model(Input& input, TrainingPart* training) {
  const Header header = io::read_header(input, io::Contents::model);
  ModelFile model{parse_metadata(header.metadata, input.name()), {}};
  model.weights.resize(model.architecture->layers.size());
  const std::vector<Place> places = match_tensors(header, *model.architecture, input.name());
  if (training != nullptr && header.metadata.count(kTrainingKey) != 0) {
    training->settings = header.metadata.at(kTrainingKey);
    check_settings(training->settings, input.name());
  }
  std::vector<char*> data;
  const auto add = [&](std::vector<char>& numbers, const TensorInfo& tensor) {
    numbers.resize(static_cast<std::size_t>(io::data_bytes(tensor, input.name())));
    data.push_back(numbers.data());
  };
  auto place = places.begin();
  for (const TensorInfo& tensor : header.tensors) {
    if (!is_of_training(header, tensor)) {
      add(model.weights[place->layer][place->weight.name], tensor);
      ++place;
    } else if (training == nullptr) {
      data.push_back(nullptr);
    } else {
      training->tensors.push_back(tensor);
      add(training->data.emplace_back(), tensor);
    }
  }
  io::read_data(input, header, data);
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

void save_model(const std::string& path, const ModelFile& model) { io::write_model(path, model, {}); }

void io::write_model(const std::string& path, const ModelFile& model, const TrainingPart& training) {
  const std::string file = io::escaped(path);
  const auto architecture = parse_config(architecture_of(model).config, file);
  const std::vector<Place> places = expected_tensors(*architecture);
  std::vector<const char*> data = check_weights(model, *architecture, places, file);
  Header header{{{"format", kFormat}, {"version", kVersion}, {"config", architecture->config}}, {}};
  for (const Place& place : places) header.tensors.push_back(place.tensor);
  if (!training.settings.empty()) {
    check_settings(training.settings, file);
    header.metadata["version"] = kVersionOfTraining;
    header.metadata[kTrainingKey] = training.settings;
    for (std::size_t i = 0; i < training.tensors.size(); ++i) {
      header.tensors.push_back(training.tensors[i]);
      data.push_back(training.data.at(i).data());
    }
  }
  io::write_safetensors(path, header, data);
}

template <class T>
std::vector<Layer<T>> build_layers(const ModelFile& model) {
  const Architecture& architecture = architecture_of(model);
  if (architecture.dtype != kDtype<T>) {
    throw Error(std::string("expected a model of ") + dtype_name(kDtype<T>) + "; received one of " +
                dtype_name(architecture.dtype));
  }
  std::vector<Layer<T>> layers;
  for (const LayerArchitecture& layer : architecture.layers)
    layers.push_back({layer.kind, layer.units, layer.activation, layer.parameters, {}});
  const std::vector<Place> places = expected_tensors(architecture);
  const std::vector<const char*> data = check_weights(model, architecture, places, "model");
  // A vector's memory is aligned for any T.
  for (std::size_t i = 0; i < places.size(); ++i)
    layers[places[i].layer].weights[places[i].weight.name] = reinterpret_cast<const T*>(data[i]);
  return layers;
}

template <class T>
Network<T> build_network(const ModelFile& model) {
  const std::vector<Layer<T>> layers = build_layers<T>(model);
  return Network<T>(model.architecture->inputs, layers);
}

template std::vector<Layer<float>> build_layers<float>(const ModelFile& model);
template std::vector<Layer<double>> build_layers<double>(const ModelFile& model);
template Network<float> build_network<float>(const ModelFile& model);
template Network<double> build_network<double>(const ModelFile& model);

}  // namespace fastnn
