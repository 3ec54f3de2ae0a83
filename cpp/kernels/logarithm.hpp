// The natural logarithm of any number, and powers. Fixed sequences of IEEE operations on vectors, as in
// exponentials.hpp. Largest measured error of log: 0.563 ulp over the floats from 0.5 to 2 and every seventh of the
// others, 0.585 over 10^7 doubles, against the C library's double and long double.
#pragma once

#include "exponentials.hpp"

namespace fastnn::FASTNN_ISA {
namespace {

template <class T>
constexpr T kLeastNormal = static_cast<T>(sizeof(T) == 4 ? 0x1p-126 : 0x1p-1022);

// log(x): -inf for 0, NaN for x < 0. With x = 2^k m, m from 1 to 2, it is k log 2 + log(m). For m above 3/2 it is
// (k + 1) log 2 - log(2 / m), so that nothing cancels for x just below 1.
template <class T>
FASTNN_INLINE Vector<T> log(Vector<T> x) {
  using Table = LogTable<T>;
  constexpr Integer<T> kUnit = Integer<T>{1} << kFractionBits<T>;  // the last bit of the exponent field
  constexpr Integer<T> kOne = kUnit * ExpTable<T>::kBias, kWhole = kOne + kUnit * kFractionBits<T>;
  const Bits<T> subnormal = x < splat(kLeastNormal<T>);
  const Bits<T> bits = to_bits<T>(subnormal ? x * splat<T>(T(0x1p64)) : x);
  const Vector<T> m = from_bits<T>((bits & splat_bits<T>(kUnit - 1)) | splat_bits<T>(kOne));
  // Converts k to a float without a conversion: the exponent field becomes the low bits of 2^kFractionBits.
  const Vector<T> field = from_bits<T>((bits >> kFractionBits<T>) | splat_bits<T>(kWhole));
  const Vector<T> offset = splat<T>(T(kUnit + ExpTable<T>::kBias));
  const Bits<T> upper = m > splat<T>(T(1.5));
  const Vector<T> k =
      ((field - offset) - (subnormal ? splat<T>(64) : Vector<T>{})) + (upper ? splat<T>(1) : Vector<T>{});

  const Vector<T> inverse = splat<T>(2) / m;
  const Vector<T> rest = fma(-inverse, m, splat<T>(2)) * inverse * splat<T>(T(0.5));  // 2 / m - inverse
  const Vector<T> f = (upper ? inverse : m) - splat<T>(1);
  const TwoPart<T> y = log1p<T>(sum_of<T>(f, upper ? rest : Vector<T>{}));
  const Vector<T> high = upper ? -y.high : y.high, low = upper ? -y.low : y.low;
  const Vector<T> first = k * splat<T>(Table::kLn2);
  const TwoPart<T> sum = sum_of<T>(first, high, fma(k, splat<T>(Table::kLn2Rest), low));
  const Vector<T> small = k == T{0} ? high + low : sum.high + sum.low;
  const Vector<T> positive = x < splat(kInfinity<T>) ? small : x;  // also NaN
  const Vector<T> not_positive = x == T{0} ? splat(-kInfinity<T>) : splat(kNaN<T>);
  return x <= T{0} ? not_positive : positive;
}

// x^exponent for normal x > 0.
template <class T>
FASTNN_INLINE Vector<T> power(Vector<T> x, T exponent) {
  return exp<T>(splat(exponent) * log<T>(x));
}

}  // namespace
}  // namespace fastnn::FASTNN_ISA
