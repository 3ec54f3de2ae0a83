// Backpropagation through the layers of units of whole_rows.hpp, for row-major blocks (docs/numerics.md, "Training").
// The factor of an output is what the layer's first weight (alpha, scale or gamma) multiplies: the gradient of that
// weight is the sum over the rows of factor · d.
#pragma once

#include "../core/kernel_table.hpp"
#include "chain_sums.hpp"
#include "tiny.hpp"

namespace fastnn::FASTNN_ISA {
namespace {

// Mean and deviation of a row, as layer_normalization in whole_rows.hpp computes them.
template <class T>
struct RowStatistics {
  Vector<T> mean, deviation;
};
template <class T>
RowStatistics<T> statistics_of(const T* x, std::size_t units, T epsilon) {
  ChainSum<T> sum(units), squares(units);
  for (std::size_t n = 0; n < units; n += kLanes<T>) sum.add(n, load(x + n));
  const Vector<T> count = splat(static_cast<T>(units));
  const Vector<T> mean = sum.total() / count;
  for (std::size_t n = 0; n < units; n += kLanes<T>) squares.add_product(n, load(x + n) - mean, load(x + n) - mean);
  return {mean, sqrt<T>(squares.total() / count + splat(epsilon))};
}

template <class T>
void factors_of_row(const PackedLayer<T>& layer, const T* x, T* to) {
  const auto map = [&](auto function) FASTNN_INLINE_LAMBDA {
    for (std::size_t n = 0; n < layer.units; n += kLanes<T>) store(to + n, function(load(x + n), n));
  };
  if (layer.kind == LayerKind::prelu) {
    map([](Vector<T> v, std::size_t) FASTNN_INLINE_LAMBDA { return at_most(Vector<T>{}, v); });
  } else if (layer.kind == LayerKind::layer_normalization) {
    const RowStatistics<T> row = statistics_of<T>(x, layer.units, layer.parameters[0]);
    map([&](Vector<T> v, std::size_t) FASTNN_INLINE_LAMBDA { return (v - row.mean) / row.deviation; });
  } else if (layer.kind == LayerKind::batch_normalization) {
    const T *mean = layer.of_units[2], *variance = layer.of_units[3];
    map([&](Vector<T> v, std::size_t n) FASTNN_INLINE_LAMBDA {
      return (v - load(mean + n)) / sqrt<T>(load(variance + n) + splat(layer.parameters[0]));
    });
  } else {
    map([](Vector<T> v, std::size_t) FASTNN_INLINE_LAMBDA { return v; });
  }
}

// d = (g - mean of g - factor · (mean of g · factor)) / deviation with g = d · gamma.
template <class T>
void layer_normalization_backward(const PackedLayer<T>& layer, const T* x, const T* factors, T* d) {
  const T* gamma = layer.of_units[0];
  ChainSum<T> sum(layer.units), products(layer.units);
  for (std::size_t n = 0; n < layer.units; n += kLanes<T>) {
    const Vector<T> g = load(d + n) * load(gamma + n);
    sum.add(n, g);
    products.add_product(n, g, load(factors + n));
    store(d + n, g);
  }
  const Vector<T> count = splat(static_cast<T>(layer.units));
  const Vector<T> mean = sum.total() / count, product = products.total() / count;
  const Vector<T> deviation = statistics_of<T>(x, layer.units, layer.parameters[0]).deviation;
  for (std::size_t n = 0; n < layer.units; n += kLanes<T>) {
    const Vector<T> centred = load(d + n) - mean;
    store(d + n, without_tiny<T>(fma(-load(factors + n), product, centred) / deviation));
  }
}

template <class T>
void backward_of_row(const PackedLayer<T>& layer, const T* x, const T* factors, T* d) {
  const T* first = layer.of_units[0];
  const auto map = [&](auto function) FASTNN_INLINE_LAMBDA {
    for (std::size_t n = 0; n < layer.units; n += kLanes<T>)
      store(d + n, without_tiny<T>(function(load(d + n), load(first + n), n)));
  };
  if (layer.kind == LayerKind::prelu)
    map([&](Vector<T> v, Vector<T> alpha, std::size_t n) FASTNN_INLINE_LAMBDA {
      const Vector<T> slope_or_nan = load(x + n) <= T{0} ? alpha : load(x + n);
      return v * (load(x + n) > T{0} ? splat<T>(1) : slope_or_nan);
    });
  else if (layer.kind == LayerKind::layer_normalization)
    layer_normalization_backward<T>(layer, x, factors, d);
  else if (layer.kind == LayerKind::batch_normalization)
    map([&](Vector<T> v, Vector<T> gamma, std::size_t n) FASTNN_INLINE_LAMBDA {
      return v * (gamma / sqrt<T>(load(layer.of_units[3] + n) + splat(layer.parameters[0])));
    });
  else
    map([](Vector<T> v, Vector<T> scale, std::size_t) FASTNN_INLINE_LAMBDA { return v * scale; });
}

template <class T>
void factors(const PackedLayer<T>& layer, std::size_t rows, Matrix<const T> x, Matrix<T> to) {
  for (std::size_t r = 0; r < rows; ++r)
    factors_of_row<T>(layer, x.data + stride(r) * x.stride, to.data + stride(r) * to.stride);
}

template <class T>
void backward(const PackedLayer<T>& layer, std::size_t rows, Matrix<const T> x, Matrix<const T> factors, Matrix<T> d) {
  for (std::size_t r = 0; r < rows; ++r)
    backward_of_row<T>(layer, x.data + stride(r) * x.stride, factors.data + stride(r) * factors.stride,
                       d.data + stride(r) * d.stride);
}

template <class T>
void batch_backward(const PackedLayer<T>& layer, std::size_t rows, Matrix<const T> factors, const T* mean,
                    const T* product, Matrix<T> d) {
  for (std::size_t r = 0; r < rows; ++r)
    for (std::size_t n = 0; n < layer.units; n += kLanes<T>) {
      const Vector<T> deviation = sqrt<T>(load(layer.of_units[3] + n) + splat(layer.parameters[0]));
      T* to = d.data + stride(r) * d.stride + n;
      const Vector<T> factor = load(factors.data + stride(r) * factors.stride + n);
      const Vector<T> part = fma(factor, load(product + n), load(mean + n));
      store(to, without_tiny<T>(fma(-(load(layer.of_units[0] + n) / deviation), part, load(to))));
    }
}

template <class T>
void centre(std::size_t rows, std::size_t units, Matrix<const T> x, const T* mean, Matrix<T> to) {
  for (std::size_t r = 0; r < rows; ++r)
    for (std::size_t n = 0; n < units; n += kLanes<T>)
      store(to.data + stride(r) * to.stride + n, load(x.data + stride(r) * x.stride + n) - load(mean + n));
}

}  // namespace
}  // namespace fastnn::FASTNN_ISA
