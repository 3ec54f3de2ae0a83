// The element-wise activations, each mapped to its formula. Activations that need the whole row, or the unit's own
// numbers, are in whole_rows.hpp.
#pragma once

#include "exponentials.hpp"
#include "fastnn/activation.hpp"
#include "gelu.hpp"
#include "math.hpp"

namespace fastnn::FASTNN_ISA {
namespace {

// Returns activation(x). a and b are the activation's parameters, if it has any.
template <Activation kActivation, class T>
FASTNN_INLINE Vector<T> activated(Vector<T> x, [[maybe_unused]] T a, [[maybe_unused]] T b) {
  constexpr Activation k = kActivation;
  if constexpr (k == Activation::linear || takes_whole_rows(k)) return x;  // whole rows: in whole_rows.hpp
  if constexpr (k == Activation::relu) return at_least(Vector<T>{}, x);
  if constexpr (k == Activation::step) {
    const Vector<T> one_or_nan = x >= T{0} ? splat(T{1}) : x;
    return x < T{0} ? Vector<T>{} : one_or_nan;
  }
  if constexpr (k == Activation::tanh) return tanh<T>(x);
  if constexpr (k == Activation::sigmoid) return sigmoid<T>(x);
  if constexpr (k == Activation::relu6) return clamped<T>(x, 0, 6);
  if constexpr (k == Activation::hard_tanh) return clamped<T>(x, -1, 1);
  if constexpr (k == Activation::hard_sigmoid) return hard_sigmoid<T>(x);
  if constexpr (k == Activation::softsign) return softsign<T>(x);
  if constexpr (k == Activation::leaky_relu) return x < T{0} ? splat(a) * x : x;
  if constexpr (k == Activation::clip) return clamped<T>(x, a, b);
  if constexpr (k == Activation::exponential) return exp<T>(x);
  if constexpr (k == Activation::elu) return elu<T>(x, a);
  if constexpr (k == Activation::celu) return celu<T>(x, a);
  if constexpr (k == Activation::selu) return selu<T>(x);
  if constexpr (k == Activation::silu) return silu<T>(x);
  if constexpr (k == Activation::hard_swish) return hard_swish<T>(x);
  if constexpr (k == Activation::softplus) return softplus<T>(x);
  if constexpr (k == Activation::mish) return mish<T>(x);
  if constexpr (k == Activation::gelu) return gelu<T>(x);
  if constexpr (k == Activation::gelu_tanh) return gelu_tanh<T>(x);
}

}  // namespace
}  // namespace fastnn::FASTNN_ISA
