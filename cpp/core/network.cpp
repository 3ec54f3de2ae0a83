// Building a network: its layers are validated and packed once, then nothing changes any more.
#include "fastnn/network.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "dispatch.hpp"
#include "fastnn/threads.hpp"
#include "floating_point_mode.hpp"
#include "machine.hpp"
#include "packed_network.hpp"
#include "packing.hpp"
#include "scratch.hpp"

namespace fastnn {
namespace {

// Of inputs and units. No product of two sizes in this file overflows.
constexpr std::size_t kLargestWidth = (std::size_t{1} << 31) - 1;

// An activation takes about as long as so many multiply-adds per unit.
constexpr double kWorkOfAnActivation = 16;

void check_width(std::size_t width, const std::string& what) {
  if (width < 1 || width > kLargestWidth)
    throw Error(what + ": expected 1 to " + std::to_string(kLargestWidth) + "; received " + std::to_string(width));
}

template <class T>
void check_weights(const Layer<T>& layer, const LayerRow& row) {
  std::string expected, received;
  std::size_t known = 0, missing = 0;
  for (const WeightRow& weight : row.weights) {
    if (weight.name == nullptr) continue;
    const auto found = layer.weights.find(weight.name);
    const bool is_there = found != layer.weights.end() && found->second != nullptr;
    known += is_there;
    missing += !is_there && weight.option == nullptr;
    expected += (expected.empty() ? "" : " and ") + std::string(weight.name);
  }
  for (const auto& [name, numbers] : layer.weights) received += (received.empty() ? "" : " and ") + name;
  if (missing > 0 || known != layer.weights.size())
    throw Error("expected " + (expected.empty() ? "no weights" : expected) + " in a layer of the kind " +
                row.class_name + "; received " + (received.empty() ? "none" : received));
}

template <class T>
void check_layer(const Layer<T>& layer, std::size_t inputs) {
  const LayerRow& row = layer_row(layer.kind);
  check_width(layer.units, "units");
  if (!row.has_kernel() && layer.units != inputs)
    throw Error("expected " + std::to_string(inputs) +
                " units, as many as inputs, in a layer without a kernel; received " + std::to_string(layer.units));
  if (!row.has_activation && layer.activation != Activation::linear)
    throw Error(std::string("expected no activation in a layer of the kind ") + row.class_name + "; received " +
                activation_name(layer.activation));
  check_weights(layer, row);
  check_parameters(parameters_of(layer.kind, layer.activation), layer.parameters);
}

}  // namespace

template <class T>
Network<T>::Network(std::size_t inputs, const std::vector<Layer<T>>& layers) {
  const DefaultFloatingPointMode mode;
  check_width(inputs, "inputs");
  if (layers.empty()) throw Error("expected a network with at least 1 layer; received none");
  active_kernels();  // a wrong FASTNN_ISA or FASTNN_NUM_THREADS is reported here, not by the first forward
  num_threads();

  auto packed = std::make_unique<Packed>();
  packed->inputs = inputs;
  packed->widest = inputs;
  std::size_t size = 0, width = inputs;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const Layer<T>& layer = layers[i];
    try {
      check_layer(layer, width);
    } catch (const Error& error) {
      throw Error("layer " + std::to_string(i) + ": " + error.what());
    }
    const LayerRow& row = layer_row(layer.kind);
    size = checked_sum(size, packed_size<T>(row, width, layer.units));
    const double steps = row.has_kernel() ? static_cast<double>(width) : 0;
    const double work = (steps + kWorkOfAnActivation) * static_cast<double>(layer.units);
    const bool whole_rows = row.has_activation ? takes_whole_rows(layer.activation) : true;
    packed->layers.push_back(
        {width, layer.units, chains_of(layer.units), layer.kind, layer.activation, whole_rows, work});
    packed->layers.back().level_1_bytes = level_1_bytes();
    std::copy(layer.parameters.begin(), layer.parameters.end(), packed->layers.back().parameters);
    packed->work += work;
    packed->widest = std::max(packed->widest, layer.units);
    width = layer.units;
  }
  packed->rows_that_fit = rows_that_fit<T>(packed->widest);
  packed->widest = pad_to_chains(packed->widest);
  packed->most_rows = std::max<std::size_t>(1, kKeptScratchBytes / (2 * packed->widest * sizeof(T)));

  packed->memory = AlignedBuffer<T>(size);
  T* free = packed->memory.data();
  for (std::size_t i = 0; i < layers.size(); ++i) free = pack(layers[i], packed->layers[i], free);
  packed->layouts = cheapest_layouts(packed->layers);
  packed_ = std::move(packed);
}

const char* dtype_name(Dtype dtype) { return dtype == Dtype::float32 ? "float32" : "float64"; }

template <class T>
Network<T>::~Network() = default;
template <class T>
Network<T>::Network(Network&&) noexcept = default;
template <class T>
Network<T>& Network<T>::operator=(Network&&) noexcept = default;

template <class T>
std::size_t Network<T>::inputs() const noexcept {
  return packed_->inputs;
}
template <class T>
double Network<T>::work() const noexcept {
  return packed_->work;
}
template <class T>
std::size_t Network<T>::layers() const noexcept {
  return packed_->layers.size();
}
template <class T>
std::size_t Network<T>::units(std::size_t layer) const noexcept {
  return packed_->layers[layer].units;
}
template <class T>
std::size_t Network<T>::units() const noexcept {
  return units(layers() - 1);
}

template class Network<float>;
template class Network<double>;

}  // namespace fastnn
