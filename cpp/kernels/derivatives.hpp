// The derivative of each activation, and the step of backpropagation through it: d = d · f'. Each is a fixed sequence
// of IEEE operations on vectors (docs/numerics.md, "Training"). At a kink the derivative is the left one, but 0 at the
// upper end of a range, as in PyTorch. NaN in a lane gives NaN in that lane.
#pragma once

#include <utility>

#include "activate.hpp"
#include "chain_sums.hpp"
#include "tiny.hpp"

namespace fastnn::FASTNN_ISA {
namespace {

// low < y < high ? inside : 0.
template <class T>
FASTNN_INLINE Vector<T> derivative_of_range(Vector<T> y, T low, T high, T inside = 1) {
  const Vector<T> outside = y == y ? Vector<T>{} : y;
  return ((y > splat(low)) & (y < splat(high))) ? splat(inside) : outside;
}

// sigmoid(x) and 1 - sigmoid(x), both without cancellation.
template <class T>
struct Gate {
  Vector<T> open, closed;
};
template <class T>
FASTNN_INLINE Gate<T> gate(Vector<T> x) {
  const Vector<T> small = sigmoid<T>(minus_absolute<T>(x));
  const Vector<T> large = splat<T>(1) - small;
  return {x < T{0} ? small : large, x < T{0} ? large : small};
}

// (x silu)' = s + x s (1 - s). `y` is finite: otherwise inf · 0 is NaN.
template <class T>
FASTNN_INLINE Vector<T> silu_derivative(Vector<T> x, Vector<T> y) {
  const Gate<T> s = gate<T>(x);
  return fma(at_most(splat<T>(GateTable<T>::kBig), y), s.closed, s.open);
}

// x <= -3 ? 0 : x >= 3 ? 1 : x / 3 + 1/2.
template <class T>
FASTNN_INLINE Vector<T> hard_swish_derivative(Vector<T> x) {
  const Vector<T> inside = fma(x, splat<T>(2 * Sixth<T>::kHigh), splat<T>(T(0.5)));
  const Vector<T> upper = x >= T{3} ? splat<T>(1) : inside;
  return x <= T{-3} ? Vector<T>{} : upper;
}

// t + x (1 - t²) sigmoid(x), t = tanh(softplus(x)). With e = e^-|x| all terms are rational functions of e, whose
// denominator is D = 2 + 2e + e² for x < 0, else 1 + 2e + 2e².
template <class T>
FASTNN_INLINE Vector<T> mish_derivative(Vector<T> x) {
  const Vector<T> one = splat<T>(1), two = splat<T>(2);
  x = clamped<T>(x, GateTable<T>::kLimit, GateTable<T>::kBig);  // since inf · 0 is NaN
  const Vector<T> e = exp_nonpositive<T>(minus_absolute<T>(x));
  const Bits<T> negative = x < T{0};
  const Vector<T> square = e * e;
  const Vector<T> top = negative ? fma(e, two, square) : fma(e, two, one);
  const Vector<T> inverse = one / (top + (negative ? two : two * square));
  const Vector<T> slope = (splat<T>(4) * x) * ((negative ? e : square) * (one + e));
  return fma(slope * inverse, inverse, top * inverse);
}

// Φ(x) + x φ(x), where Φ(x) = y / x.
template <class T>
FASTNN_INLINE Vector<T> gelu_derivative(Vector<T> x, Vector<T> y) {
  constexpr T kBig = GateTable<T>::kBig;
  constexpr T kDensity = T(0.398942280401432677939946059934381868);  // φ(0) = 1 / sqrt(2π)
  x = clamped<T>(x, -kBig, kBig);
  const Bits<T> near_zero = absolute<T>(x) < T(0x1p-60);  // Φ rounds to 1/2, and y may be subnormal
  const Vector<T> phi = near_zero ? splat<T>(T(0.5)) : at_most(splat(kBig), y) / x;
  const Vector<T> density = splat(kDensity) * exp_nonpositive<T>(x * x * splat<T>(T(-0.5)));
  return fma(x, density, phi);
}

// s + x s (1 - s) z' with s = sigmoid(z), z = 2 sqrt(2/π) (x + 0.044715 x³).
template <class T>
FASTNN_INLINE Vector<T> gelu_tanh_derivative(Vector<T> x) {
  constexpr T kBig = GateTable<T>::kBig;
  constexpr double kFirst = 1.59576912160573071175978423973752747, kCube = 0.044715 * kFirst;
  x = clamped<T>(x, -kBig, kBig);
  const Vector<T> square = x * x;
  const Gate<T> s = gate<T>(x * fma(square, splat(T(kCube)), splat(T(kFirst))));
  const Vector<T> slope = x * fma(square, splat(T(3 * kCube)), splat(T(kFirst)));
  return fma(slope, s.open * s.closed, s.open);
}

// Returns the derivative of an element-wise activation at x, where it is y. x is read only if needs_sum(kActivation).
template <Activation kActivation, class T>
FASTNN_INLINE Vector<T> derivative([[maybe_unused]] Vector<T> x, [[maybe_unused]] Vector<T> y, [[maybe_unused]] T a,
                                   [[maybe_unused]] T b) {
  constexpr Activation k = kActivation;
  const Vector<T> one = splat<T>(1);
  if constexpr (k == Activation::linear || takes_whole_rows(k)) return one;  // whole rows: below
  if constexpr (k == Activation::relu) return y > T{0} ? one : y;
  if constexpr (k == Activation::step) return y - y;
  if constexpr (k == Activation::tanh) return fma(-y, y, one);
  if constexpr (k == Activation::sigmoid) return fma(-y, y, y);
  if constexpr (k == Activation::relu6) return derivative_of_range<T>(y, 0, 6);
  if constexpr (k == Activation::hard_tanh) return derivative_of_range<T>(y, -1, 1);
  if constexpr (k == Activation::hard_sigmoid) return derivative_of_range<T>(y, 0, 1, T(1) / T(6));
  if constexpr (k == Activation::softsign) return (one - absolute<T>(y)) * (one - absolute<T>(y));
  if constexpr (k == Activation::leaky_relu) {
    const Vector<T> slope_or_nan = x <= T{0} ? splat(a) : x;
    return x > T{0} ? one : slope_or_nan;
  }
  if constexpr (k == Activation::clip) return derivative_of_range<T>(y, a, b);
  if constexpr (k == Activation::exponential) return y;
  if constexpr (k == Activation::elu)
    return x > T{0} ? one : y + splat(a);  // alpha e^x; x, since alpha may be negative
  if constexpr (k == Activation::celu) return y > T{0} ? one : y / splat(a) + one;  // e^(x / alpha)
  if constexpr (k == Activation::selu) return y > T{0} ? one + splat<T>(Selu<T>::kScale) : y + splat(Selu<T>::kAlpha);
  if constexpr (k == Activation::silu) return silu_derivative<T>(x, y);
  if constexpr (k == Activation::hard_swish) return hard_swish_derivative<T>(x);
  if constexpr (k == Activation::softplus) return sigmoid<T>(x);
  if constexpr (k == Activation::mish) return mish_derivative<T>(x);
  if constexpr (k == Activation::gelu) return gelu_derivative<T>(x, y);
  if constexpr (k == Activation::gelu_tanh) return gelu_tanh_derivative<T>(x);
}

// d = y (d - sum of d y).
template <class T>
void derive_softmax(std::size_t units, const T* y, T* d) {
  ChainSum<T> sum(units);
  for (std::size_t n = 0; n < units; n += kLanes<T>) sum.add_product(n, load(d + n), load(y + n));
  const Vector<T> total = sum.total();
  for (std::size_t n = 0; n < units; n += kLanes<T>) store(d + n, without_tiny<T>(load(y + n) * (load(d + n) - total)));
}

// d = d - e^y (sum of d).
template <class T>
void derive_log_softmax(std::size_t units, const T* y, T* d) {
  ChainSum<T> sum(units);
  for (std::size_t n = 0; n < units; n += kLanes<T>) sum.add(n, load(d + n));
  const Vector<T> total = sum.total();
  for (std::size_t n = 0; n < units; n += kLanes<T>)
    store(d + n, without_tiny<T>(fma(-exp_nonpositive<T>(load(y + n)), total, load(d + n))));
}

template <Activation kActivation, class T>
void derive_row(T a, T b, std::size_t units, const T* x, const T* y, T* d) {
  if constexpr (kActivation == Activation::softmax)
    derive_softmax<T>(units, y, d);
  else if constexpr (kActivation == Activation::log_softmax)
    derive_log_softmax<T>(units, y, d);
  else
    for (std::size_t n = 0; n < units; n += kLanes<T>)
      store(d + n, without_tiny<T>(load(d + n) * derivative<kActivation, T>(load(x + n), load(y + n), a, b)));
}

template <Activation kActivation, class T>
void derive_rows(T a, T b, std::size_t rows, std::size_t units, const T* x, std::ptrdiff_t x_stride, const T* y,
                 std::ptrdiff_t y_stride, T* d, std::ptrdiff_t d_stride) {
  for (std::size_t r = 0; r < rows; ++r, x += x_stride, y += y_stride, d += d_stride)
    derive_row<kActivation, T>(a, b, units, x, y, d);
}

template <class T, int... number>
void derive_by(std::integer_sequence<int, number...>, Activation activation, T a, T b, std::size_t rows,
               std::size_t units, const T* x, std::ptrdiff_t x_stride, const T* y, std::ptrdiff_t y_stride, T* d,
               std::ptrdiff_t d_stride) {
  using Rows = decltype(&derive_rows<Activation::linear, T>);
  static constexpr Rows kRows[] = {derive_rows<static_cast<Activation>(number), T>...};
  kRows[static_cast<int>(activation)](a, b, rows, units, x, x_stride, y, y_stride, d, d_stride);
}

// d = d · activation'(x) for rows of units, y = activation(x). x is read only if needs_sum(activation). Whole vectors
// of the padding are read and written.
template <class T>
void derive(Activation activation, T a, T b, std::size_t rows, std::size_t units, const T* x, std::ptrdiff_t x_stride,
            const T* y, std::ptrdiff_t y_stride, T* d, std::ptrdiff_t d_stride) {
  const bool reads_x = needs_sum(activation);
  derive_by<T>(kActivationNumbers, activation, a, b, rows, units, reads_x ? x : y, reads_x ? x_stride : y_stride, y,
               y_stride, d, d_stride);
}

}  // namespace
}  // namespace fastnn::FASTNN_ISA
