// Activations of each sum alone over blocks, in place: they take scratch memory as it comes, padding included.
#pragma once

#include "dense.hpp"
#include "exponentials.hpp"
#include "gelu.hpp"
#include "math.hpp"

namespace fastnn::FASTNN_ISA {
namespace {

// `elements` is rounded up to whole vectors: scratch memory is padded.
template <class T, class Function>
FASTNN_INLINE void map(T* data, std::size_t elements, Function function) {
  for (std::size_t i = 0; i < elements; i += kLanes<T>) store(data + i, function(load(data + i)));
}

template <class T>
void activate_elements(const PackedLayer<T>& layer, T* data, std::size_t elements) {
  const T* p = layer.parameters;
  switch (layer.activation) {
    case Activation::relu:
      return map(data, elements, [](Vector<T> x) FASTNN_INLINE_LAMBDA { return at_least(Vector<T>{}, x); });
    case Activation::step:
      return map(data, elements, [](Vector<T> x) FASTNN_INLINE_LAMBDA {
        const Vector<T> one_or_nan = x >= T{0} ? splat(T{1}) : x;
        return x < T{0} ? Vector<T>{} : one_or_nan;
      });
    case Activation::tanh: return map(data, elements, [](Vector<T> x) FASTNN_INLINE_LAMBDA { return tanh<T>(x); });
    case Activation::sigmoid:
      return map(data, elements, [](Vector<T> x) FASTNN_INLINE_LAMBDA { return sigmoid<T>(x); });
    case Activation::relu6:
      return map(data, elements, [](Vector<T> x) FASTNN_INLINE_LAMBDA { return clamped<T>(x, 0, 6); });
    case Activation::hard_tanh:
      return map(data, elements, [](Vector<T> x) FASTNN_INLINE_LAMBDA { return clamped<T>(x, -1, 1); });
    case Activation::hard_sigmoid:
      return map(data, elements, [](Vector<T> x) FASTNN_INLINE_LAMBDA { return hard_sigmoid<T>(x); });
    case Activation::softsign:
      return map(data, elements, [](Vector<T> x) FASTNN_INLINE_LAMBDA { return softsign<T>(x); });
    case Activation::leaky_relu:
      return map(data, elements,
                 [=, slope = splat(p[0])](Vector<T> x) FASTNN_INLINE_LAMBDA { return x < T{0} ? slope * x : x; });
    case Activation::clip:
      return map(data, elements,
                 [=, low = p[0], high = p[1]](Vector<T> x) FASTNN_INLINE_LAMBDA { return clamped<T>(x, low, high); });
    case Activation::exponential:
      return map(data, elements, [](Vector<T> x) FASTNN_INLINE_LAMBDA { return exp<T>(x); });
    case Activation::elu:
      return map(data, elements, [alpha = p[0]](Vector<T> x) FASTNN_INLINE_LAMBDA { return elu<T>(x, alpha); });
    case Activation::celu:
      return map(data, elements, [alpha = p[0]](Vector<T> x) FASTNN_INLINE_LAMBDA { return celu<T>(x, alpha); });
    case Activation::selu: return map(data, elements, [](Vector<T> x) FASTNN_INLINE_LAMBDA { return selu<T>(x); });
    case Activation::silu: return map(data, elements, [](Vector<T> x) FASTNN_INLINE_LAMBDA { return silu<T>(x); });
    case Activation::hard_swish:
      return map(data, elements, [](Vector<T> x) FASTNN_INLINE_LAMBDA { return hard_swish<T>(x); });
    case Activation::softplus:
      return map(data, elements, [](Vector<T> x) FASTNN_INLINE_LAMBDA { return softplus<T>(x); });
    case Activation::mish: return map(data, elements, [](Vector<T> x) FASTNN_INLINE_LAMBDA { return mish<T>(x); });
    case Activation::gelu: return map(data, elements, [](Vector<T> x) FASTNN_INLINE_LAMBDA { return gelu<T>(x); });
    case Activation::gelu_tanh:
      return map(data, elements, [](Vector<T> x) FASTNN_INLINE_LAMBDA { return gelu_tanh<T>(x); });
    case Activation::linear:
    case Activation::softmax:
    case Activation::log_softmax:
    case Activation::prelu:
    case Activation::affine:
    case Activation::layer_normalization: return;
  }
}

template <class T>
void activate(const PackedLayer<T>& layer, const Block<T>& y, Range units) {
  if (y.column_stride == 1) {
    for (std::size_t r = 0; r < y.rows; ++r)
      activate_elements(layer, y.data + stride(r) * y.row_stride + units.first, units.last - units.first);
  } else {
    const auto column = static_cast<std::size_t>(y.column_stride);
    activate_elements(layer, y.data + units.first * column, (units.last - units.first) * column);
  }
}

}  // namespace
}  // namespace fastnn::FASTNN_ISA
