// tanh, e^x, the logistic function and similar ones. Each is a fixed sequence of IEEE operations on vectors, so all
// instruction sets give the same bits (docs/numerics.md). No branches, no conversions between float and integer; one
// division in sigmoid and in softsign. NaN in a lane gives NaN in that lane.
// Largest measured errors in ulp, over all floats and 5 · 10^7 doubles, against long double; subnormal results are
// rounded twice:
//                      float   double   subnormal results
//     tanh             0.652   0.663    exact
//     exp_nonpositive  0.66    0.67     0.77
//     sigmoid          0.65    0.67     0.77
//     hard_sigmoid     0.667   0.667    exact
//     softsign         0.501   0.501    exact
#pragma once

#include "look_up.hpp"
#include "simd.hpp"
#include "tanh_table.hpp"

namespace fastnn::FASTNN_ISA {
namespace {

template <class T>
constexpr int kFractionBits = sizeof(T) == 4 ? 23 : 52;
template <class T>
constexpr Integer<T> kSignBit = Integer<T>{1} << (8 * sizeof(T) - 1);

template <class T>
FASTNN_INLINE Vector<T> absolute(Vector<T> x) {
  return from_bits<T>(to_bits<T>(x) & ~splat_bits<T>(kSignBit<T>));
}

// -|x|, in one operation.
template <class T>
FASTNN_INLINE Vector<T> minus_absolute(Vector<T> x) {
  return from_bits<T>(to_bits<T>(x) | splat_bits<T>(kSignBit<T>));
}

// 1, -1 or 0; NaN stays NaN.
template <class T>
FASTNN_INLINE Vector<T> sign_of(Vector<T> x) {
  const Vector<T> one_or_nan = x > Vector<T>{} ? splat<T>(1) : x;
  return x < Vector<T>{} ? splat<T>(-1) : one_or_nan;
}

// y with the sign of x, for a y whose sign is that of x or +.
template <class T>
FASTNN_INLINE Vector<T> with_sign_of(Vector<T> x, Vector<T> y) {
  return from_bits<T>(to_bits<T>(y) | (to_bits<T>(x) & splat_bits<T>(kSignBit<T>)));
}

// min(max(x, low), high). NaN and the sign of 0 pass through.
template <class T>
FASTNN_INLINE Vector<T> clamped(Vector<T> x, T low, T high) {
  return at_most(splat<T>(high), at_least(splat<T>(low), x));
}

// 1/6 in two parts: kHigh is rounded down, kLow is the rest rounded up.
template <class T>
struct Sixth;
template <>
struct Sixth<float> {
  static constexpr float kHigh = 0x1.555554p-3f, kLow = 0x1.555556p-27f;
};
template <>
struct Sixth<double> {
  static constexpr double kHigh = 0x1.5555555555555p-3, kLow = 0x1.5555555555556p-57;
};

// x / 6 + 1/2, clamped to [0, 1]. Monotone, since each of its operations is. Not (x + 3) / 6: the sum would lose low
// bits of x.
template <class T>
FASTNN_INLINE Vector<T> hard_sigmoid(Vector<T> x) {
  const Vector<T> a = clamped<T>(x, -3, 3);
  const Vector<T> high = fma(a, splat<T>(Sixth<T>::kHigh), splat<T>(T(0.5)));
  return clamped<T>(fma(a, splat<T>(Sixth<T>::kLow), high), 0, 1);
}

// The interval of a table to which a in [0, kLimit] belongs: t is the distance from its centre, p its polynomial of t,
// `value` its constant.
template <class T>
struct Interval {
  Vector<T> u, t, p, value;
};
template <class T, class Table>
FASTNN_INLINE Interval<T> interval_of(Vector<T> a) {
  // u is in [2, 32). The last two bits of its exponent and the first two of its fraction are the index of the interval.
  const Vector<T> u = fma(a, splat<T>(Table::kScale), splat<T>(2));
  Vector<T> numbers[Table::kDegree + 2];
  look_up<Table, T>(to_bits<T>(u) >> (kFractionBits<T> - 2), numbers);
  const Vector<T> t = a - numbers[0];
  Vector<T> p = numbers[1];
  for (int k = 2; k <= Table::kDegree; ++k) p = fma(p, t, numbers[k]);
  return {u, t, p, numbers[Table::kDegree + 1]};
}

// tanh(x), odd bit for bit, monotone and within [-1, 1].
template <class T>
FASTNN_INLINE Vector<T> tanh(Vector<T> x) {
  using Table = TanhTable<T>;
  const Vector<T> a = at_most(splat<T>(Table::kLimit), absolute<T>(x));
  const Interval<T> i = interval_of<T, Table>(a);

  // In the first interval t = a, and tanh a = a + a p, so that small results keep all their bits.
  const Vector<T> base = i.u < splat<T>(T(2.5)) ? a : i.value;
  return with_sign_of<T>(x, fma(i.t, i.p, base));
}

// e^r = 1 + r + r² Q(r) on [-ln(2)/2, ln(2)/2]. Q minimises the squared relative error, at most 2^-32.9 (float) and
// 2^-57.8 (double). `bench/make_tables.py exp` prints all constants but the limits and kUp.
template <class T>
struct ExpTable;
template <>
struct ExpTable<float> {
  static constexpr float kLimit = -104;  // e^-104 < 2^-150, half the smallest float: rounds to 0
  static constexpr float kMost = 89;     // e^89 overflows
  static constexpr float kInverseLn2 = 0x1.715476p0f;
  static constexpr float kLn2 = 0x1.62e43p-1f;
  static constexpr float kLn2Rest = -0x1.05c61p-29f;
  static constexpr int kUp = 64;
  static constexpr int kBias = 127;
  static constexpr float kDown = 0x1p-64f;
  static constexpr float kQ[] = {0x1p-1f,        0x1.555552p-3f,  0x1.5554e6p-5f,
                                 0x1.1115c8p-7f, 0x1.6d4efep-10f, 0x1.9a6adp-13f};
};
template <>
struct ExpTable<double> {
  static constexpr double kLimit = -746;  // e^-746 < 2^-1075
  static constexpr double kMost = 710;
  static constexpr double kInverseLn2 = 0x1.71547652b82fep0;
  static constexpr double kLn2 = 0x1.62e42fefa39efp-1;
  static constexpr double kLn2Rest = 0x1.abc9e3b39803fp-56;
  static constexpr int kUp = 512;
  static constexpr int kBias = 1023;
  static constexpr double kDown = 0x1p-512;
  static constexpr double kQ[] = {0x1.000000000000bp-1,  0x1.555555555550fp-3,  0x1.55555555502a6p-5,
                                  0x1.1111111122b4fp-7,  0x1.6c16c18529f74p-10, 0x1.a01a014493a95p-13,
                                  0x1.a01997cd32dd4p-16, 0x1.71deec77b25ddp-19, 0x1.28af3b651cd0bp-22,
                                  0x1.add741be6cfcap-26};
};

// The value (high + low) · scale / 2^up. For x <= 0, up is kUp: it keeps `scale` = 2^(n + up) a normal number.
template <class T>
struct Exponential {
  Vector<T> high, low, scale;
};

// e^x, or e^(x + tail). Requires that 2^(n + up) is a normal number.
template <class T, class... Tail>
FASTNN_INLINE Exponential<T> exponential_moved(Vector<T> x, Vector<T> up, Tail... tail) {
  using Table = ExpTable<T>;
  constexpr int kTerms = sizeof(Table::kQ) / sizeof(T);
  const Vector<T> one = splat<T>(1);

  // n = x / ln 2 rounded to an integer: an ulp of 1.5 · 2^kFractionBits is 1. The bias and `up`, added to that
  // constant, turn the low bits of `rounded` into the exponent field of `scale`.
  const Vector<T> magic = splat<T>(T(3) * (Integer<T>{1} << (kFractionBits<T> - 1)) + Table::kBias) + up;
  const Vector<T> rounded = fma(x, splat<T>(Table::kInverseLn2), magic);
  const Vector<T> n = rounded - magic;
  // `coarse` is exact: both terms are multiples of an ulp of 1/4, and their difference is below 1/2.
  const Vector<T> coarse = fma(n, splat<T>(-Table::kLn2), x);
  const Vector<T> r = (fma(n, splat<T>(-Table::kLn2Rest), coarse) + ... + tail);

  Vector<T> q = splat<T>(Table::kQ[kTerms - 1]);
  for (int k = kTerms - 2; k >= 0; --k) q = fma(q, r, splat<T>(Table::kQ[k]));

  // 1 + r + r² Q without the rounding errors of r and of 1 + coarse. The error is up to 0.44 ulp smaller than that of
  // 1 + fma(r², Q, r).
  const Vector<T> first = one + coarse;
  const Vector<T> first_rest = (fma(n, splat<T>(-Table::kLn2Rest), (one - first) + coarse) + ... + tail);
  const Vector<T> p = fma(r * r, q, first_rest);
  const Vector<T> high = first + p;
  return {high, (first - high) + p, from_bits<T>(to_bits<T>(rounded) << kFractionBits<T>)};
}

// e^x for x <= 0, as (high + low) · scale · kDown. For x <= limit the scale is 0. A product with 0 is exact, whereas a
// product that underflows takes several times as long (bench/tail.cpp).
template <class T>
FASTNN_INLINE Exponential<T> exponential(Vector<T> x, T limit = ExpTable<T>::kLimit) {
  Exponential<T> e = exponential_moved<T>(at_least(splat<T>(limit), x), splat<T>(ExpTable<T>::kUp));
  e.scale = x > splat<T>(limit) ? e.scale : Vector<T>{};
  return e;
}

// e^x for x <= 0. The product with `scale` is exact, and the one with kDown rounds subnormal results only.
template <class T>
FASTNN_INLINE Vector<T> exp_nonpositive(Vector<T> x) {
  const Exponential<T> e = exponential<T>(x);
  return e.high * e.scale * splat<T>(ExpTable<T>::kDown);
}

// 1 / (1 + e), or e / (1 + e) for negative x, of e = e^-z with z >= 0: (quotient + remainder · inverse) · scale ·
// kDown. Nothing overflows or cancels.
template <class T>
struct Logistic {
  Vector<T> quotient, remainder, inverse, scale;
};

template <class T>
FASTNN_INLINE Logistic<T> logistic(const Exponential<T>& e, Bits<T> negative) {
  const Vector<T> one = splat<T>(1);
  const Vector<T> scale = e.scale * splat<T>(ExpTable<T>::kDown);  // inexact only where `term` changes no result
  const Vector<T> term = e.high * scale;
  const Vector<T> sum = one + term;
  const Vector<T> sum_rest = fma(e.low, scale, (one - sum) + term);
  const Vector<T> top = negative ? e.high : one;
  const Vector<T> top_rest = negative ? e.low : Vector<T>{};
  // One Newton correction of (top + top_rest) / (sum + sum_rest). Without it, two roundings cost up to 1.5 ulp.
  const Vector<T> inverse = one / sum;
  const Vector<T> quotient = top * inverse;
  const Vector<T> remainder = fnma<T>(quotient, sum, top) + fnma<T>(quotient, sum_rest, top_rest);
  return {quotient, remainder, inverse, negative ? e.scale : splat<T>(T(1) / ExpTable<T>::kDown)};
}

// 1 / (1 + e^-x), monotone and within [0, 1].
template <class T>
FASTNN_INLINE Vector<T> sigmoid(Vector<T> x) {
  const Logistic<T> y = logistic<T>(exponential<T>(minus_absolute<T>(x)), x < Vector<T>{});
  return fma(y.remainder, y.inverse, y.quotient) * y.scale * splat<T>(ExpTable<T>::kDown);
}

// x / (1 + |x|), odd bit for bit, monotone and within [-1, 1]. One Newton correction, as in sigmoid.
template <class T>
FASTNN_INLINE Vector<T> softsign(Vector<T> x) {
  const Vector<T> one = splat<T>(1);
  // Above this limit the result rounds to 1. Without the limit, infinity would give NaN.
  const Vector<T> a = at_most(splat<T>(T(1) / ExpTable<T>::kDown), absolute<T>(x));
  const Vector<T> sum = one + a;
  const Vector<T> rest = a < one ? (one - sum) + a : (a - sum) + one;
  const Vector<T> inverse = one / sum;
  const Vector<T> quotient = a * inverse;
  const Vector<T> remainder = fnma<T>(quotient, sum, a) - quotient * rest;
  return with_sign_of<T>(x, fma(remainder, inverse, quotient));
}

}  // namespace
}  // namespace fastnn::FASTNN_ISA
