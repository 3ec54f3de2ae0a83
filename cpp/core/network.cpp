// Building a network: sizes are validated and weights packed once, then nothing changes any more.
#include "fastnn/network.hpp"

#include <algorithm>
#include <utility>

#include "dispatch.hpp"
#include "fastnn/threads.hpp"
#include "floating_point_mode.hpp"
#include "packed_network.hpp"

namespace fastnn {
namespace {

// Inputs and units: no product of two sizes in this file overflows, and one row as wide would fill 8 GiB.
constexpr std::size_t kLargestWidth = (std::size_t{1} << 31) - 1;

// Multiply-adds that an activation's time amounts to, per unit, about.
constexpr double kWorkOfAnActivation = 16;

// Idle lanes' work to that of the others, with units in lanes, from which on a network is narrow. 10-100-100-1, at
// 0.25, is as fast one way as the other with 16 to 47 rows; 33-33-33, at 0.45, from 14 rows on.
constexpr double kIdleWork = 0.5;

template <class T>
std::size_t weights_size(std::size_t inputs, std::size_t units) {
  if (chains_of(units) == kMostChains) return pad_to_chains(inputs) * units;
  return round_up(checked_product(inputs, units) + kPanelUnits<T>, kPanelUnits<T>);
}

template <class T>
void pack(const Layer<T>& layer, std::size_t inputs, T* weights) {
  if (chains_of(layer.units) == kMostChains) {
    std::fill_n(weights, pad_to_chains(inputs) * layer.units, T{-0.0});
    for (std::size_t k = 0; k < inputs; ++k)
      for (std::size_t n = 0; n < layer.units; ++n)
        weights[n * pad_to_chains(inputs) + k] = layer.kernel[k * layer.units + n];
    return;
  }
  constexpr std::size_t P = kPanelUnits<T>;
  for (std::size_t first = 0; first < layer.units; first += P) {
    const std::size_t width = std::min(P, layer.units - first);
    for (std::size_t k = 0; k < inputs; ++k)
      std::copy_n(layer.kernel + k * layer.units + first, width, weights + first * inputs + k * width);
  }
}

// By so many units, with units in lanes: whole panels of 16; or each by its 16 chains.
std::size_t lanes_taken(std::size_t units) {
  return chains_of(units) == kMostChains ? units * kMostChains : round_up(units, 16);
}

// What a layer takes of a network's memory.
template <class T>
std::size_t memory_size(const Layer<T>& layer, std::size_t inputs) {
  const std::size_t of_units = round_up(layer.units, kPanelUnits<T>);
  return (layer.kernel == nullptr ? 0 : weights_size<T>(inputs, layer.units) + of_units) +
         (layer.scale == nullptr ? 0 : 2 * of_units);
}

void check_width(std::size_t width, const std::string& what) {
  if (width < 1 || width > kLargestWidth)
    throw Error(what + ": expected 1 to " + std::to_string(kLargestWidth) + "; received " + std::to_string(width));
}

template <class T>
void check_layer(const Layer<T>& layer, std::size_t inputs) {
  check_width(layer.units, "units");
  if (layer.kernel == nullptr && layer.units != inputs)
    throw Error("expected " + std::to_string(inputs) +
                " units, as many as inputs, in a layer without a kernel; received " + std::to_string(layer.units));
  if (layer.kernel == nullptr && layer.bias != nullptr)
    throw Error("expected no bias in a layer without a kernel; received one");
  const bool has_scale = layer.activation >= Activation::prelu;
  if (has_scale != (layer.scale != nullptr) || (has_scale && layer.kernel != nullptr) ||
      (layer.shift != nullptr && (!has_scale || layer.activation == Activation::prelu)))
    throw Error(std::string("expected scale, shift or no kernel as ") + activation_name(layer.activation) +
                " has them; received otherwise");
  check_parameters(layer.activation, layer.parameters);
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
  double products = 0, products_of_lanes = 0;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const Layer<T>& layer = layers[i];
    try {
      check_layer(layer, width);
    } catch (const Error& error) {
      throw Error("layer " + std::to_string(i) + ": " + error.what());
    }
    size = checked_sum(size, memory_size(layer, width));
    const double steps = layer.kernel == nullptr ? 0 : static_cast<double>(width);
    const double work = (steps + kWorkOfAnActivation) * static_cast<double>(layer.units);
    products += steps * static_cast<double>(layer.units);
    products_of_lanes += steps * static_cast<double>(lanes_taken(layer.units));
    packed->layers.push_back({width, layer.units, chains_of(layer.units), layer.activation, nullptr, nullptr, work});
    std::copy(layer.parameters.begin(), layer.parameters.end(), packed->layers.back().parameters);
    packed->work += work;
    packed->widest = std::max(packed->widest, layer.units);
    width = layer.units;
  }
  packed->rows_that_fit = rows_that_fit<T>(packed->widest);
  packed->widest = pad_to_chains(packed->widest);
  packed->narrow = products_of_lanes > (1 + kIdleWork) * products;
  packed->most_rows = std::max<std::size_t>(1, kKeptScratchBytes / (2 * packed->widest * sizeof(T)));

  packed->memory = AlignedBuffer<T>(size);
  T* free = packed->memory.data();
  for (std::size_t i = 0; i < layers.size(); ++i) {
    PackedLayer<T>& layer = packed->layers[i];
    const std::size_t of_units = round_up(layer.units, kPanelUnits<T>);
    const auto copied = [&](const T* numbers) {  // zeros where there are none
      if (numbers != nullptr) std::copy_n(numbers, layer.units, free);
      return std::exchange(free, free + of_units);
    };
    if (layers[i].kernel != nullptr) {
      T* weights = std::exchange(free, free + weights_size<T>(layer.inputs, layer.units));
      pack(layers[i], layer.inputs, weights);
      layer.weights = weights;
      layer.bias = copied(layers[i].bias);
    }
    if (layers[i].scale != nullptr) {
      layer.scale = copied(layers[i].scale);
      layer.shift = copied(layers[i].shift);
    }
  }
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
