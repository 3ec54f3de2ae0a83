// A network computed as docs/numerics.md describes it, one layer and one row at a time. Sums come from reference_dense.
// Element-wise activations come from the portable kernels, which tests/kernels/test_activations.py compares with exact
// values. So this reference tests everything that arranges numbers.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "../programs/drawn_network.hpp"

namespace fastnn::fuzz {

using drawn::Layer;

// Applies an activation to x, which has `rows` rows of equal width.
template <class T>
std::vector<T> activated(Activation activation, const Parameters& parameters, const std::vector<T>& x,
                         std::size_t rows) {
  if (rows == 0) return x;
  const std::size_t units = x.size() / rows;
  std::vector<T> y(x.size());
  Network<T>(units, {activation_layer<T>(units, activation, parameters)})
      .forward({x.data(), rows, static_cast<std::ptrdiff_t>(units)}, y.data());
  return y;
}

template <class T, class Add>
T sum_of_chains(const std::vector<T>& x, Add add) {
  T c[16] = {};
  for (std::size_t n = 0; n < x.size(); ++n) c[n % 16] = add(c[n % 16], x[n]);
  for (std::size_t width = 8; width > 0; width /= 2)
    for (std::size_t j = 0; j < width; ++j) c[j] = c[j] + c[j + width];
  return c[0];
}

template <class T>
std::vector<T> softmax(std::vector<T> x) {
  T largest = x[0];
  for (const T each : x) largest = each > largest ? each : largest;
  for (T& each : x) each = each - largest;
  std::vector<T> e = activated<T>(Activation::exponential, {}, x, x.size());
  const T sum = sum_of_chains<T>(e, [](T s, T each) { return s + each; });
  for (T& each : e) each = each / sum;
  return e;
}

template <class T>
std::vector<T> layer_normalization(const Layer<T>& layer, std::vector<T> x) {
  const T units = static_cast<T>(x.size()), epsilon = static_cast<T>(layer.parameters[0]);
  const T mean = sum_of_chains<T>(x, [](T s, T each) { return s + each; }) / units;
  for (T& each : x) each = each - mean;
  const T squares = sum_of_chains<T>(x, [](T s, T each) { return std::fma(each, each, s); });
  const T deviation = std::sqrt(squares / units + epsilon);
  for (std::size_t n = 0; n < x.size(); ++n)
    x[n] = std::fma(x[n] / deviation, layer.weights.at("gamma")[n], layer.weights.at("beta")[n]);
  return x;
}

template <class T>
std::vector<T> batch_normalization(const Layer<T>& layer, std::vector<T> x) {
  const std::vector<T> gamma = layer.of_units("gamma"), beta = layer.of_units("beta");
  const std::vector<T> mean = layer.of_units("moving_mean"), variance = layer.of_units("moving_variance");
  for (std::size_t n = 0; n < x.size(); ++n) {
    const T deviation = std::sqrt(variance[n] + static_cast<T>(layer.parameters[0]));
    x[n] = std::fma((x[n] - mean[n]) / deviation, gamma[n], beta[n]);
  }
  return x;
}

// Applies an activation that needs the whole row to one row.
template <class T>
std::vector<T> whole_row(const Layer<T>& layer, std::vector<T> x) {
  if (layer.kind == LayerKind::layer_normalization) return layer_normalization(layer, x);
  if (layer.kind == LayerKind::batch_normalization) return batch_normalization(layer, x);
  if (layer.activation == Activation::softmax) return softmax(x);
  if (takes_whole_rows(layer.activation)) return activated<T>(layer.activation, layer.parameters, x, 1);
  for (std::size_t n = 0; n < x.size(); ++n) {
    if (layer.kind == LayerKind::prelu) x[n] = x[n] < 0 ? layer.weights.at("alpha")[n] * x[n] : x[n];
    if (layer.kind == LayerKind::affine)
      x[n] = std::fma(x[n], layer.weights.at("scale")[n], layer.weights.at("shift")[n]);
  }
  return x;
}

template <class T>
std::vector<T> layer_by_rows(const Layer<T>& layer, const std::vector<T>& x, std::size_t rows) {
  std::vector<T> y = x;
  if (layer.has_kernel()) {
    const std::vector<T> bias = layer.of_units("bias");
    y.resize(rows * layer.units);
    for (std::size_t r = 0; r < rows; ++r)
      reference_dense(layer.inputs, layer.units, layer.weights.at("kernel").data(), bias.data(),
                      x.data() + r * layer.inputs, y.data() + r * layer.units);
  }
  if (layer_row(layer.kind).has_activation && !takes_whole_rows(layer.activation))
    return activated<T>(layer.activation, layer.parameters, y, y.size());
  for (auto row = y.begin(); row != y.end(); row += static_cast<std::ptrdiff_t>(layer.units)) {
    const std::vector<T> done = whole_row(layer, std::vector<T>(row, row + static_cast<std::ptrdiff_t>(layer.units)));
    std::copy(done.begin(), done.end(), row);
  }
  return y;
}

// Returns the outputs of each layer for `rows` contiguous rows. Every NaN is the one NaN of fastnn.
template <class T>
std::vector<std::vector<T>> reference(const std::vector<Layer<T>>& layers, std::vector<T> x, std::size_t rows) {
  set_isa("portable");
  std::vector<std::vector<T>> outputs;
  for (const Layer<T>& layer : layers) {
    x = layer_by_rows(layer, x, rows);
    x = activated<T>(Activation::linear, {}, x, x.size());
    outputs.push_back(x);
  }
  return outputs;
}

}  // namespace fastnn::fuzz
