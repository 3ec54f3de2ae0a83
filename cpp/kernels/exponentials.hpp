// e^x for every x, and the activations built from it. Each is a fixed sequence of IEEE operations on vectors, so all
// instruction sets give the same bits (docs/numerics.md). NaN in a lane gives NaN in that lane. If f(0) = 0, f(-0) is
// -0; silu, mish and hard_swish of -inf are -0. Each function is monotone where its exact one is; silu, mish and
// hard_swish only for x >= 0.
// Largest measured errors in ulp, over all floats and 10^8 doubles per function, against long double; elu and celu with
// alpha = 1, 0.3, 1.7, 0.01, elu also with -2:
//                  float   double   subnormal results
//     exp          0.66    0.67     0.78
//     elu          0.82    0.89     0.50
//     celu         0.82    0.89     0.01
//     selu         0.80    0.80     0.62
//     silu         0.68    0.71     0.81
//     hard_swish   0.501   0.501    0.501
//     softplus     0.78    0.82     0.78
//     mish         0.81    0.80     0.81
//     log_of_sum   0.54    0.59     none
#pragma once

#include "log_table.hpp"
#include "math.hpp"

namespace fastnn::FASTNN_ISA {
namespace {

// e^x for every x. The product with `scale` is exact; only the last product can overflow or round a subnormal result.
template <class T>
FASTNN_INLINE Vector<T> exp(Vector<T> x) {
  using Table = ExpTable<T>;
  const Bits<T> positive = x > Vector<T>{};
  const Exponential<T> e = exponential_moved<T>(clamped<T>(x, Table::kLimit, Table::kMost),
                                                positive ? splat<T>(-Table::kUp) : splat<T>(Table::kUp));
  return e.high * e.scale * (positive ? splat<T>(T(1) / Table::kDown) : splat<T>(Table::kDown));
}

// e^r = 1 + r + r² Q(r) as in math.hpp, but Q is fitted to the relative error of e^r - 1: 2^-31.0 (float) and 2^-61.7
// (double). `bench/make_tables.py exp` prints the coefficients.
template <class T>
struct Expm1Table;
template <>
struct Expm1Table<float> {
  static constexpr float kLimit = -25;  // e^-25 is below 2^-11 ulp of 1/2, so e^x - 1 rounds to -1
  static constexpr float kQ[] = {0x1p-1f,       0x1.555556p-3f,  0x1.5554fp-5f,
                                 0x1.110fep-7f, 0x1.6d436ap-10f, 0x1.a293d2p-13f};
};
template <>
struct Expm1Table<double> {
  static constexpr double kLimit = -45;  // likewise e^-45
  static constexpr double kQ[] = {0x1p-1,
                                  0x1.5555555555559p-3,
                                  0x1.5555555555557p-5,
                                  0x1.111111110f651p-7,
                                  0x1.6c16c16c1577ep-10,
                                  0x1.a01a01b0054cbp-13,
                                  0x1.a01a01ab1325dp-16,
                                  0x1.71ddf80b7def9p-19,
                                  0x1.27e4d1463cbf7p-22,
                                  0x1.af5f30f40dd14p-26,
                                  0x1.1f83dd857934cp-29};
};

// The unevaluated sum high + low, where |low| is at most half an ulp of high.
template <class T>
struct TwoPart {
  Vector<T> high, low;
};

// a + b in two parts (Dekker's fast two-sum): exact if a = 0 or the exponent of a is at least that of b. With `rest`,
// a + b + rest, of which only the low part is rounded.
template <class T>
FASTNN_INLINE TwoPart<T> sum_of(Vector<T> a, Vector<T> b) {
  const Vector<T> high = a + b;
  return {high, (a - high) + b};
}
template <class T>
FASTNN_INLINE TwoPart<T> sum_of(Vector<T> a, Vector<T> b, Vector<T> rest) {
  const TwoPart<T> sum = sum_of<T>(a, b);
  return {sum.high, sum.low + rest};
}

// e^x - 1 for x from Expm1Table::kLimit to 0. For x near 0, q is Q(x) of the table above.
template <class T>
struct Expm1 {
  TwoPart<T> value;
  Vector<T> q;
};
template <class T>
FASTNN_INLINE Expm1<T> expm1(Vector<T> x) {
  using Table = ExpTable<T>;
  constexpr int kTerms = sizeof(Expm1Table<T>::kQ) / sizeof(T);
  const Vector<T> magic = splat<T>(T(3) * (Integer<T>{1} << (kFractionBits<T> - 1)) + Table::kBias);
  const Vector<T> rounded = fma(x, splat<T>(Table::kInverseLn2), magic);
  const Vector<T> n = rounded - magic;
  const Vector<T> scale = from_bits<T>(to_bits<T>(rounded) << kFractionBits<T>);  // 2^n
  const Vector<T> coarse = fma(n, splat<T>(-Table::kLn2), x);
  const Vector<T> rest = n * splat<T>(-Table::kLn2Rest);
  const Vector<T> r = coarse + rest;
  Vector<T> q = splat<T>(Expm1Table<T>::kQ[kTerms - 1]);
  for (int k = kTerms - 2; k >= 0; --k) q = fma(q, r, splat<T>(Expm1Table<T>::kQ[k]));

  // (2^n - 1) + 2^n (r + r² Q). Only the product with Q is rounded before the sum. If n = 0, this is r + r² Q.
  const Vector<T> one = splat<T>(1);
  const TwoPart<T> power = sum_of<T>(-one, scale);
  const TwoPart<T> first = sum_of<T>(power.high, scale * coarse, fma(scale, rest, power.low));
  return {sum_of<T>(first.high, fma(scale * (r * r), q, first.low)), q};
}

// x < 0 ? alpha (e^x - 1) : x for every finite alpha. alpha = 0 gives zeros of either sign.
template <class T>
FASTNN_INLINE Vector<T> elu(Vector<T> x, T alpha) {
  const TwoPart<T> e = expm1<T>(at_least(splat<T>(Expm1Table<T>::kLimit), x)).value;
  return x < Vector<T>{} ? fma(splat<T>(alpha), e.high, splat<T>(alpha) * e.low) : x;
}

// x < 0 ? alpha (e^(x / alpha) - 1) : x for alpha > 0. Near 0, where u = x / alpha may be subnormal, the result is
// x + x u Q(u).
template <class T>
FASTNN_INLINE Vector<T> celu(Vector<T> x, T alpha) {
  const Vector<T> limit = splat<T>(Expm1Table<T>::kLimit);
  // x / alpha in two parts, by one division that all lanes share. `unit` scales alpha so that 1 / alpha is normal.
  constexpr T kDown = ExpTable<T>::kDown, kRoot = sizeof(T) == 4 ? T(0x1p-32) : T(0x1p-256);
  const T unit = alpha < kRoot ? T(1) / kDown : alpha > T(1) / kRoot ? kDown : T(1);
  const Vector<T> divisor = splat<T>(alpha * unit);
  const Vector<T> inverse = splat<T>(1) / divisor;
  const Vector<T> inverse_rest = fma(-inverse, divisor, splat<T>(1)) * inverse;
  const Vector<T> top = x * splat<T>(unit);
  const Vector<T> u = top * inverse;
  const Vector<T> u_rest = fma(top, inverse_rest, fma(top, inverse, -u));
  const Expm1<T> e = expm1<T>(at_least(limit, u));
  // e^(u + rest) - 1 = (e^u - 1) + rest + rest (e^u - 1), up to a term of rest².
  const Vector<T> rest = u > limit ? u_rest : Vector<T>{};
  const Vector<T> low = fma(rest, e.value.high, e.value.low + rest);
  const Vector<T> below = fma(splat<T>(alpha), e.value.high, splat<T>(alpha) * low);
  const Vector<T> negative = u < splat<T>(T(-0x1p-6)) ? below : fma(x * u, e.q, x);
  return x < Vector<T>{} ? negative : x;
}

// scale - 1, and scale · alpha in two parts.
template <class T>
struct Selu;
template <>
struct Selu<float> {
  static constexpr float kScale = 0x1.9f57aep-5f, kAlpha = 0x1.c212ccp0f, kAlphaRest = 0x1.903c0cp-26f;
};
template <>
struct Selu<double> {
  static constexpr double kScale = 0x1.9f57ad5222646p-5, kAlpha = 0x1.c212cc640f031p0,
                          kAlphaRest = 0x1.05161b045a1fep-56;
};

// scale (x < 0 ? alpha (e^x - 1) : x). For x >= 0 it is computed as x + (scale - 1) x.
template <class T>
FASTNN_INLINE Vector<T> selu(Vector<T> x) {
  const TwoPart<T> e = expm1<T>(at_least(splat<T>(Expm1Table<T>::kLimit), x)).value;
  const Bits<T> negative = x < Vector<T>{};
  const Vector<T> high = negative ? e.high : x;
  const Vector<T> low = negative ? e.low : -Vector<T>{};  // -0, so that a result of -0 stays -0
  const Vector<T> factor = negative ? splat<T>(Selu<T>::kAlpha) : splat<T>(1);
  const Vector<T> factor_rest = negative ? splat<T>(Selu<T>::kAlphaRest) : splat<T>(Selu<T>::kScale);
  return fma(factor, high, fma(factor_rest, high, factor * low));
}

// For x < kLimit, x e^x rounds to 0. For x >= kBig, 1 / (1 + e^-x) rounds to 1.
template <class T>
struct GateTable;
template <>
struct GateTable<float> {
  static constexpr float kLimit = -109, kBig = 128;
};
template <>
struct GateTable<double> {
  static constexpr double kLimit = -753, kBig = 1024;
};

// x · top / bottom, times scale · kDown if x < 0. The quotient is corrected by its remainder, as in sigmoid.
template <class T>
FASTNN_INLINE Vector<T> gated(Vector<T> x, TwoPart<T> top, TwoPart<T> bottom, Vector<T> scale) {
  const Vector<T> inverse = splat<T>(1) / bottom.high;
  const Vector<T> quotient = top.high * inverse;
  const Vector<T> remainder = fnma<T>(quotient, bottom.high, top.high) + fnma<T>(quotient, bottom.low, top.low);
  const Vector<T> finite = at_most(splat<T>(GateTable<T>::kBig), x);  // since inf · 0 is NaN
  const Vector<T> y = fma(x, quotient, finite * (remainder * inverse));
  // For x = -0 the correction may be +0.
  return with_sign_of<T>(x, x < Vector<T>{} ? y * scale * splat<T>(ExpTable<T>::kDown) : y);
}

// x / (1 + e^-x). For x < 0 it is computed as x e / (1 + e), e = e^x, so that nothing overflows or cancels.
template <class T>
FASTNN_INLINE Vector<T> silu(Vector<T> x) {
  const Vector<T> one = splat<T>(1);
  const Vector<T> down = splat<T>(ExpTable<T>::kDown);
  x = at_least(splat<T>(GateTable<T>::kLimit), x);
  const Exponential<T> e = exponential<T>(minus_absolute<T>(x), GateTable<T>::kLimit);
  const TwoPart<T> bottom = sum_of<T>(one, e.high * e.scale * down, e.low * (e.scale * down));
  const Bits<T> negative = x < Vector<T>{};
  const TwoPart<T> top = {negative ? e.high : one, negative ? e.low : Vector<T>{}};
  return gated<T>(x, top, bottom, e.scale);
}

// x (relu6(x + 3) / 6). A result of 0 has the sign of x. The second factor is kept in two parts.
template <class T>
FASTNN_INLINE Vector<T> hard_swish(Vector<T> x) {
  const Vector<T> three = splat<T>(3), sixth = splat<T>(Sixth<T>::kHigh);
  const Vector<T> a = clamped<T>(x, -3, 3);
  const TwoPart<T> sum = sum_of<T>(three, a);
  const Vector<T> high = sum.high * sixth;
  const Vector<T> low = fma(sum.high, sixth, -high) + fma(sum.high, splat<T>(Sixth<T>::kLow), sum.low * sixth);
  return x > three ? x : with_sign_of<T>(x, fma(a, high, a * low));
}

// log(1 + e) in two parts, for e = high + low from 0 to 1.
template <class T>
FASTNN_INLINE TwoPart<T> log1p(TwoPart<T> e) {
  using Table = LogTable<T>;
  constexpr int kTerms = sizeof(Table::kCoefficient) / sizeof(T);
  // 15 e + 16.5 is in [16.5, 31.5], so its first four fraction bits are the index of the nearest centre.
  const Bits<T> index = to_bits<T>(fma(e.high, splat<T>(15), splat<T>(T(16.5)))) >> (kFractionBits<T> - 4);
  Vector<T> numbers[3];
  look_up<Table, T>(index, numbers);
  const Vector<T> distance = e.high - numbers[0], inverse = numbers[1];  // the distance is exact
  const Vector<T> t = distance * inverse;
  const Vector<T> t_rest = fma(e.low, inverse, fma(distance, inverse, -t));
  Vector<T> p = splat<T>(Table::kCoefficient[kTerms - 1]);
  for (int k = kTerms - 2; k >= 0; --k) p = fma(p, t, splat<T>(Table::kCoefficient[k]));
  const TwoPart<T> first = sum_of<T>(numbers[2], t, t_rest);
  return sum_of<T>(first.high, fma(t * t, p, first.low));
}

// log(1 + e^x), computed as max(x, 0) + log(1 + e^-|x|).
template <class T>
FASTNN_INLINE Vector<T> softplus(Vector<T> x) {
  const Vector<T> down = splat<T>(ExpTable<T>::kDown);
  const Exponential<T> e = exponential<T>(minus_absolute<T>(x));
  const TwoPart<T> y = log1p<T>({e.high * e.scale * down, e.low * (e.scale * down)});
  const Vector<T> a = at_least(Vector<T>{}, x);
  const Vector<T> sum = a + y.high;
  const Vector<T> part = sum - a;
  const Vector<T> lost = (a - (sum - part)) + (y.high - part);  // exact, whichever of a and y is larger (two-sum)
  return x > splat<T>(GateTable<T>::kBig) ? x : sum + (lost + y.low);
}

// log(s) for s >= 1: with s = 2^k (1 + f), it is k log 2 + log(1 + f).
template <class T>
FASTNN_INLINE Vector<T> log_of_sum(Vector<T> s) {
  using Table = LogTable<T>;
  constexpr Integer<T> kUnit = Integer<T>{1} << kFractionBits<T>;  // the last bit of the exponent field
  constexpr Integer<T> kOne = kUnit * ExpTable<T>::kBias, kWhole = kOne + kUnit * kFractionBits<T>;
  const Bits<T> bits = to_bits<T>(s);
  const Vector<T> m = from_bits<T>((bits & splat_bits<T>(kUnit - 1)) | splat_bits<T>(kOne));
  // Converts k to a float without a conversion: the exponent field becomes the low bits of 2^kFractionBits.
  const Vector<T> field = from_bits<T>((bits >> kFractionBits<T>) | splat_bits<T>(kWhole));
  const Vector<T> k = field - splat<T>(T(kUnit + ExpTable<T>::kBias));
  const TwoPart<T> y = log1p<T>({m - splat<T>(1), Vector<T>{}});
  const TwoPart<T> sum = sum_of<T>(k * splat<T>(Table::kLn2), y.high, fma(k, splat<T>(Table::kLn2Rest), y.low));
  return s < splat(kInfinity<T>) ? sum.high + sum.low : s;
}

// x tanh(softplus(x)). With e = e^-|x|: for x < 0, x n / (n + 2) with n = e (e + 2); for x >= 0, x w / (w + 2e²) with
// w = 1 + 2e.
template <class T>
FASTNN_INLINE Vector<T> mish(Vector<T> x) {
  const Vector<T> down = splat<T>(ExpTable<T>::kDown);
  const Vector<T> one = splat<T>(1), two = splat<T>(2);
  x = at_least(splat<T>(GateTable<T>::kLimit), x);
  const Exponential<T> e = exponential<T>(minus_absolute<T>(x), GateTable<T>::kLimit);
  const Vector<T> scale = e.scale * down;
  const Bits<T> negative = x < Vector<T>{};
  const Vector<T> times = negative ? one : two;
  const TwoPart<T> b = {e.high * e.scale * down * times, e.low * scale * times};
  const TwoPart<T> w = sum_of<T>(negative ? two : one, b.high, b.low);  // x < 0: 2 + e; else 1 + 2e

  // high + low, before scaling: e w for x < 0, else 2e². The denominator adds it to 2 for x < 0, else to w.
  const TwoPart<T> factor = {negative ? w.high : b.high, negative ? w.low : b.low};
  const Vector<T> high = e.high * factor.high;
  const Vector<T> low = fma(e.high, factor.high, -high) + fma(e.high, factor.low, e.low * factor.high);
  const TwoPart<T> top = {negative ? high : w.high, negative ? low : w.low};
  const TwoPart<T> bottom =
      sum_of<T>(negative ? two : w.high, high * scale, fma(low, scale, negative ? Vector<T>{} : w.low));
  return gated<T>(x, top, bottom, e.scale);
}

}  // namespace
}  // namespace fastnn::FASTNN_ISA
