// exp, log, sin and cos of one double, by IEEE additions, multiplications and divisions alone. The C library's differ
// between systems; these have the same bits everywhere, which random numbers and schedules of learning rates need.
// Polynomials are minimax (Remez, relative error); the measured errors are in tests/core/test_elementary.py. Without
// fma, since the core is compiled without it: remainders are kept in two parts instead.
#pragma once

#include <cstdint>
#include <cstring>
#include <limits>

namespace fastnn {
namespace elementary {

inline std::uint64_t bits_of(double x) {
  std::uint64_t bits;
  std::memcpy(&bits, &x, sizeof(bits));
  return bits;
}

inline double double_of(std::uint64_t bits) {
  double x;
  std::memcpy(&x, &bits, sizeof(x));
  return x;
}

// IEEE's square root.
inline double square_root(double x) { return __builtin_sqrt(x); }

// Whether x is neither infinite nor NaN.
inline bool is_finite(double x) { return x - x == 0; }

// The integer nearest to x, for |x| < 2^51: adding 1.5 · 2^52 rounds to integers.
inline double nearest(double x) { return (x + 0x1.8p52) - 0x1.8p52; }

// 2^n for a normal result.
inline double power_of_two(int n) { return double_of(static_cast<std::uint64_t>(n + 1023) << 52); }

// c[0] + c[1] x + … by Horner's rule.
template <int n>
constexpr double polynomial(double x, const double (&c)[n]) {
  double sum = c[n - 1];
  for (int i = n - 2; i >= 0; --i) sum = sum * x + c[i];
  return sum;
}

// log 2 and π/2 in parts. All but the last have so few bits that small integers times them are exact.
constexpr double kLog2High = 0x1.62e42feep-1, kLog2Low = 0x1.a39ef35793c76p-33;
constexpr double kHalfPi[] = {0x1.921fb544p+0, 0x1.0b4611a6p-34, 0x1.3198a2e037073p-69};

// sin and cos of high + low, for |high| <= π/4 and |low| at most one rounding of high.
inline double sin_near_0(double high, double low) {
  // sin(x) = x + x³ S(x²); error below 2^-58.
  constexpr double kS[] = {-0x1.5555555555549p-3, 0x1.111111110f880p-7,   -0x1.a01a019c12696p-13,
                           0x1.71de357873452p-19, -0x1.ae5e66d42f29fp-26, 0x1.5d932f1b8b0ffp-33};
  const double square = high * high;
  return high + (high * square * polynomial(square, kS) + low * (1 - 0.5 * square));
}

inline double cos_near_0(double high, double low) {
  // cos(x) = 1 - x²/2 + x⁴ C(x²); error below 2^-64.
  constexpr double kC[] = {0x1.555555555554cp-5,   -0x1.6c16c16c15184p-10, 0x1.a01a019cb2701p-16,
                           -0x1.27e4f80a77225p-22, 0x1.1ee9ec4837386p-29,  -0x1.8faecf704cd5fp-37};
  const double square = high * high, half = 0.5 * square, most = 1 - half;
  return most + ((1 - most - half) + (square * square * polynomial(square, kC) - high * low));
}

// sin of the quarter turns `quarters` and high + low; for cos add a quarter.
inline double sin_of(std::int64_t quarters, double high, double low) {
  const double size = quarters & 1 ? cos_near_0(high, low) : sin_near_0(high, low);
  return quarters & 2 ? -size : size;
}

// Beyond it the remainder of π/2 in three parts is not exact enough.
constexpr double kMostRadians = 0x1p20;

// sin(x), or cos(x) with one quarter more. NaN unless |x| <= kMostRadians.
inline double sin_with_quarters(double x, int more) {
  if (!(x >= -kMostRadians && x <= kMostRadians)) return std::numeric_limits<double>::quiet_NaN();
  const double n = nearest(x * 0x1.45f306dc9c883p-1);
  const double first = x - n * kHalfPi[0], second = n * kHalfPi[1];  // exact: 33 + 20 bits
  const double sum = first - second, third = n * kHalfPi[2];
  const double low = (first - sum - second) - third, high = sum + low;
  return sin_of(static_cast<std::int64_t>(n) + more, high, (sum - high) + low);
}

inline double sin(double x) { return x == 0 ? x : sin_with_quarters(x, 0); }
inline double cos(double x) { return sin_with_quarters(x, 1); }

// e^x.
inline double exp(double x) {
  if (!(x < 710)) return x > 0 ? std::numeric_limits<double>::infinity() : x;  // NaN stays NaN
  if (x < -746) return 0;
  // e^r = 1 + r + r² Q(r); error below 2^-57.
  constexpr double kQ[] = {0x1.000000000000ap-1,  0x1.55555555554fap-3,  0x1.555555555088cp-5,  0x1.1111111127b9dp-7,
                           0x1.6c16c1842652fp-10, 0x1.a01a012a68779p-13, 0x1.a0199a171f7ccp-16, 0x1.71df253d8a85bp-19,
                           0x1.28ad6872950c5p-22, 0x1.ad7f7576985d5p-26};
  const double n = nearest(x * 0x1.71547652b82fep+0);
  const double first = x - n * kLog2High, second = n * kLog2Low;  // first is exact: 32 + 11 bits
  const double r = first - second, low = (first - r) - second;
  const double most = 1 + r, rest = (1 - most) + r;
  const double power = most + (rest + (low + r * r * polynomial(r, kQ)));
  // In two steps, since 2^n may be no normal number; only the last one rounds.
  const int whole = static_cast<int>(n), half = whole / 2;
  return power * power_of_two(half) * power_of_two(whole - half);
}

// log(x) of a positive normal number.
inline double log_of_normal(double x) {
  // With s = f / (2 + f): log(1 + f) = f - s (f - s² R(s²)); error below 2^-59.
  constexpr double kR[] = {0x1.5555555555592p-1, 0x1.999999997fdbap-2, 0x1.24924941f1127p-2, 0x1.c71c52096347fp-3,
                           0x1.74663ee877d96p-3, 0x1.39a1ba9d2eb0cp-3, 0x1.2f0565513847fp-3};
  // x = 2^k (1 + f), with 1 + f from √½ to √2; 0x3fe6a09e667f3bcd are the bits of √½.
  const std::uint64_t bits = bits_of(x) - 0x3fe6a09e667f3bcd;
  const double k = static_cast<double>(static_cast<std::int64_t>(bits) >> 52);
  const double f = double_of((bits & 0xfffffffffffff) + 0x3fe6a09e667f3bcd) - 1;
  // f - f²/2 + s (f²/2 + s² R), so that the largest term f is exact.
  const double s = f / (2 + f), square = s * s, half = 0.5 * f * f;
  return k * kLog2High + (f - (half - (s * (half + square * polynomial(square, kR)) + k * kLog2Low)));
}

// log(x): -inf for 0, NaN below.
inline double log(double x) {
  if (!(x > 0)) return x == 0 ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::quiet_NaN();
  if (x == std::numeric_limits<double>::infinity()) return x;
  constexpr double kSmallest = std::numeric_limits<double>::min();
  if (x >= kSmallest) return log_of_normal(x);
  const double k = -54;  // a subnormal number is scaled first; kLog2Low's part is far below a rounding of the sum
  return log_of_normal(x * 0x1p54) + (k * kLog2High + k * kLog2Low);
}

}  // namespace elementary
}  // namespace fastnn
