// GELU: x Φ(x), Φ the normal distribution function, and its tanh approximation. Each is a fixed sequence of IEEE
// operations on vectors, so all instruction sets give the same bits (docs/numerics.md). NaN in a lane gives NaN in that
// lane. x = -0 gives -0, and so does -inf and every negative x whose result underflows to 0.
// Largest measured errors in ulp, over all floats and 6 · 10^7 doubles, against binary128; subnormal results are
// rounded twice:
//                 float   double   subnormal results
//     gelu        0.73    0.85     0.80
//     gelu_tanh   0.68    0.70     0.85
#pragma once

#include "gelu_table.hpp"
#include "math.hpp"

namespace fastnn::FASTNN_ISA {
namespace {

// e^(x + tail) for x <= 0 and |tail| below an ulp of x. If `is_small` is false, the scale is 0. This overload does not
// use the limit of math.hpp: the result is multiplied by more than 1, and the caller guarantees that 2^n · 2^kUp is
// normal.
template <class T>
FASTNN_INLINE Exponential<T> exponential(Vector<T> x, Vector<T> tail, Bits<T> is_small) {
  Exponential<T> e = exponential_moved<T>(x, splat<T>(ExpTable<T>::kUp), tail);
  e.scale = is_small ? e.scale : Vector<T>{};
  return e;
}

// (factor + rest) · a · scale · kDown with the sign of x; x itself if x > limit. a = min(|x|, limit). The product
// a · scale is exact, and the one with kDown rounds subnormal results only.
template <class T>
FASTNN_INLINE Vector<T> scaled_product(Vector<T> factor, Vector<T> rest, Vector<T> a, Vector<T> scale, Vector<T> x,
                                       T limit) {
  const Vector<T> up = a * scale;
  const Vector<T> product = fma(factor, up, rest * up) * splat<T>(ExpTable<T>::kDown);
  return x > splat<T>(limit) ? x : with_sign_of<T>(x, product);
}

// x sigmoid(z) with z = 2 sqrt(2/π) (x + 0.044715 x³), increasing for x >= 0. As sigmoid, but |z| is kept in two parts,
// because an absolute error of z becomes a relative error of e^-|z|.
template <class T>
FASTNN_INLINE Vector<T> gelu_tanh(Vector<T> x) {
  using Table = GeluTanhTable<T>;
  const Vector<T> a = at_most(splat<T>(Table::kLimit), absolute<T>(x));

  // |z| = a · slope. The difference kFirst - slope is exact: kFirst has 5 bits fewer than the format.
  const Vector<T> square = a * a;
  const Vector<T> square_rest = fma(a, a, -square);
  const Vector<T> slope = fma(square, splat<T>(Table::kCube), splat<T>(Table::kFirst));
  const Vector<T> rounding = fma(square, splat<T>(Table::kCube), splat<T>(Table::kFirst) - slope);
  const Vector<T> minor = fma(square_rest, splat<T>(Table::kCube), splat<T>(Table::kFirstRest));
  const Vector<T> slope_rest = fma(square, splat<T>(Table::kCubeRest), minor) + rounding;
  const Vector<T> z = a * slope;
  const Vector<T> z_rest = fma(a, slope_rest, fma(a, slope, -z));

  const Exponential<T> e = exponential<T>(-z, -z_rest, a < splat<T>(Table::kLimit));
  const Logistic<T> y = logistic<T>(e, x < Vector<T>{});
  return scaled_product<T>(y.quotient, y.remainder * y.inverse, a, y.scale, x, Table::kLimit);
}

// x Φ(x), increasing for x >= 0. Φ(-a) = e^(-a²/2) R(a), with a² in two parts, and R by table and polynomial as in
// tanh. Φ(a) = 1 - Φ(-a).
template <class T>
FASTNN_INLINE Vector<T> gelu(Vector<T> x) {
  using Table = GeluTable<T>;
  const Vector<T> one = splat<T>(1);
  const Vector<T> down = splat<T>(ExpTable<T>::kDown);
  const Vector<T> a = at_most(splat<T>(Table::kLimit), absolute<T>(x));

  const Interval<T> i = interval_of<T, Table>(a);
  const Vector<T> ratio = fma(i.p, i.t, i.value);
  const Vector<T> ratio_rest = fma(i.p, i.t, i.value - ratio);

  const Vector<T> square = a * a;
  const Vector<T> half = splat<T>(T(-0.5));
  const Exponential<T> e = exponential<T>(square * half, fma(a, a, -square) * half, a < splat<T>(Table::kLimit));

  // Φ(-a) = (tail + tail_rest) · scale · kDown.
  const Vector<T> tail = e.high * ratio;
  const Vector<T> tail_rest = fma(e.high, ratio, -tail) + fma(e.high, ratio_rest, e.low * ratio);
  const Vector<T> part = tail * e.scale * down;
  const Vector<T> above = one - part;
  const Vector<T> above_rest = fma(-tail_rest, e.scale * down, (one - above) - part);

  const Bits<T> negative = x < Vector<T>{};
  const Vector<T> factor = negative ? tail : above;
  const Vector<T> rest = negative ? tail_rest : above_rest;
  const Vector<T> scale = negative ? e.scale : splat<T>(T(1) / ExpTable<T>::kDown);
  return scaled_product<T>(factor, rest, a, scale, x, Table::kLimit);
}

}  // namespace
}  // namespace fastnn::FASTNN_ISA
