// The network: validated and packed when it is built, then only run. A call takes the rows block by block through all
// layers: every layer of one block before the next block, so that a block's numbers stay in the cache.
#include "fastnn/network.hpp"

#include <algorithm>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "dispatch.hpp"
#include "floating_point_mode.hpp"
#include "kernel_table.hpp"
#include "memory.hpp"

namespace fastnn {
namespace {

// Fewer rows than this run with units in lanes, without a transposition and with no lane left idle.
constexpr std::size_t kFewRows = 8;

// Two blocks of scratch, a layer's inputs and its outputs, should fit a per-core L2 cache beside the weights.
constexpr std::size_t kScratchBytes = 512 * 1024;

// A thread keeps this much scratch for its next call, and gives back what a very wide network took beyond it.
constexpr std::size_t kKeptScratchBytes = 64 * 1024 * 1024;

// Inputs and units: no product of sizes in this file overflows, and one row as wide would fill 8 GiB.
constexpr std::size_t kLargestWidth = (std::size_t{1} << 31) - 1;

std::size_t round_up(std::size_t n, std::size_t multiple) { return (n + multiple - 1) / multiple * multiple; }

// How many interleaved chains a unit's sum is split into: part of the numerics contract (docs/numerics.md, "Dense").
int chains(std::size_t units) { return units < 4 ? 16 : units <= 16 ? 4 : units <= 64 ? 2 : 1; }

template <class T>
std::size_t weights_size(std::size_t inputs, std::size_t units) {
  if (chains(units) == kMostChains) return pad_to_chains(inputs) * units;
  return round_up(checked_product(inputs, units) + kPanelUnits<T>, kPanelUnits<T>);
}

template <class T>
void pack(const Layer<T>& layer, std::size_t inputs, T* weights, T* bias) {
  if (layer.bias != nullptr) std::copy_n(layer.bias, layer.units, bias);
  if (chains(layer.units) == kMostChains) {
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

template <class T>
const Kernels<T>& kernels_of(const KernelTable& table) {
  if constexpr (std::is_same_v<T, float>)
    return table.float32;
  else
    return table.float64;
}

// One a thread and type.
template <class T>
AlignedBuffer<T>& scratch(std::size_t size) {
  thread_local AlignedBuffer<T> buffer;
  if (buffer.size() < size) {
    buffer = AlignedBuffer<T>();
    buffer = AlignedBuffer<T>(size);
  }
  return buffer;
}

void check_width(std::size_t width, const std::string& what) {
  if (width < 1 || width > kLargestWidth)
    throw std::invalid_argument(what + ": expected 1 to " + std::to_string(kLargestWidth) + "; received " +
                                std::to_string(width));
}

std::string at_layer(std::size_t layer) { return "layer " + std::to_string(layer) + ": "; }

}  // namespace

template <class T>
struct Network<T>::Packed {
  std::size_t inputs;
  std::size_t widest;  // of inputs and all units, padded
  std::vector<PackedLayer<T>> layers;
  AlignedBuffer<T> memory;

  template <class Output>
  void run(Rows<T> x, const Output& output) const;
};

template <class T>
Network<T>::Network(std::size_t inputs, const std::vector<Layer<T>>& layers) {
  check_width(inputs, "inputs");
  if (layers.empty()) throw std::invalid_argument("expected a network with at least 1 layer; received none");
  active_kernels();  // a wrong FASTNN_ISA is reported here, not by the first forward

  auto packed = std::make_unique<Packed>();
  packed->inputs = inputs;
  packed->widest = inputs;
  std::size_t size = 0, width = inputs;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const Layer<T>& layer = layers[i];
    check_width(layer.units, at_layer(i) + "units");
    if (layer.kernel == nullptr && layer.units != width)
      throw std::invalid_argument(at_layer(i) + "expected " + std::to_string(width) +
                                  " units, as many as inputs, in a layer without a kernel; received " +
                                  std::to_string(layer.units));
    if (layer.kernel == nullptr && layer.bias != nullptr)
      throw std::invalid_argument(at_layer(i) + "expected no bias in a layer without a kernel; received one");
    if (layer.kernel != nullptr) size += weights_size<T>(width, layer.units) + round_up(layer.units, kPanelUnits<T>);
    packed->layers.push_back({width, layer.units, chains(layer.units), layer.activation, nullptr, nullptr});
    packed->widest = std::max(packed->widest, layer.units);
    width = layer.units;
  }
  packed->widest = pad_to_chains(packed->widest);

  packed->memory = AlignedBuffer<T>(size);
  T* free = packed->memory.data();
  for (std::size_t i = 0; i < layers.size(); ++i) {
    if (layers[i].kernel == nullptr) continue;
    PackedLayer<T>& layer = packed->layers[i];
    T* weights = std::exchange(free, free + weights_size<T>(layer.inputs, layer.units));
    T* bias = std::exchange(free, free + round_up(layer.units, kPanelUnits<T>));
    pack(layers[i], layer.inputs, weights, bias);
    layer.weights = weights;
    layer.bias = bias;
  }
  packed_ = std::move(packed);
}

template <class T>
template <class Output>
void Network<T>::Packed::run(Rows<T> x, const Output& output) const {
  if (x.rows == 0) return;
  const Kernels<T>& kernels = kernels_of<T>(active_kernels());
  const std::size_t fitting = kScratchBytes / (2 * widest * kernels.lanes * sizeof(T));  // vectors of rows
  const std::size_t tile_rows = kernels.lanes * std::clamp<std::size_t>(fitting, 1, kernels.tile_vectors);
  const std::size_t most_rows =  // of a tile, or of the few rows that may come after the last one
      x.rows < kFewRows ? x.rows : std::max(round_up(std::min(x.rows, tile_rows), kernels.lanes), kFewRows - 1);
  AlignedBuffer<T>& buffer = scratch<T>(2 * most_rows * widest);
  T* current = buffer.data();
  T* next = current + most_rows * widest;
  const DefaultFloatingPointMode mode;

  for (std::size_t row = 0; row < x.rows;) {
    const std::size_t left = x.rows - row;
    const bool few = left < kFewRows;
    const std::size_t rows = few ? left : std::min(left, tile_rows);
    const std::ptrdiff_t row_stride = few ? widest : 1;
    const std::ptrdiff_t column_stride = few ? 1 : round_up(rows, kernels.lanes);
    const auto block = [&](T* data) { return Block<T>{data, rows, row_stride, column_stride}; };
    const auto read_only = [](Block<T> b) { return Block<const T>{b.data, b.rows, b.row_stride, b.column_stride}; };

    const T* first = x.data + static_cast<std::ptrdiff_t>(row) * x.row_stride;
    kernels.copy({first, rows, x.row_stride, x.column_stride}, block(current), inputs);
    for (std::size_t i = 0; i < layers.size(); ++i) {
      const PackedLayer<T>& layer = layers[i];
      (few ? kernels.units_in_lanes : kernels.rows_in_lanes)(layer, read_only(block(current)), block(next));
      std::swap(current, next);
      if (T* y = output(i); y != nullptr)
        kernels.copy(read_only(block(current)), {y + row * layer.units, rows, std::ptrdiff_t(layer.units), 1},
                     layer.units);
    }
    row += rows;
  }
  if (buffer.size() * sizeof(T) > kKeptScratchBytes) buffer = AlignedBuffer<T>();
}

template <class T>
void Network<T>::forward(Rows<T> x, T* y) const {
  packed_->run(x, [y, last = layers() - 1](std::size_t layer) { return layer == last ? y : nullptr; });
}

template <class T>
void Network<T>::representations(Rows<T> x, T* const* outputs) const {
  packed_->run(x, [outputs](std::size_t layer) { return outputs[layer]; });
}

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
