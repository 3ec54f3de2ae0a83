// The vocabulary of simd.hpp for one number at a time, in standard C++17. Exported C++ headers use it in place of
// simd.hpp (docs/header.md). No flag lets a compiler fuse or reorder these operations.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "compiler.hpp"

namespace fastnn::FASTNN_ISA {
namespace {

template <class T>
struct IntegerOf;
template <>
struct IntegerOf<float> {
  using Type = std::uint32_t;
};
template <>
struct IntegerOf<double> {
  using Type = std::uint64_t;
};
template <class T>
using Integer = typename IntegerOf<T>::Type;
template <class T>
using Bits = Integer<T>;  // a comparison gives 0 or 1 here, not a mask

template <class T>
constexpr int kLanes = 1;
constexpr std::ptrdiff_t stride(std::size_t elements) { return static_cast<std::ptrdiff_t>(elements); }

template <class T>
inline Bits<T> bits_of(T x) {
  Bits<T> bits;
  std::memcpy(&bits, &x, sizeof x);
  return bits;
}
template <class T>
inline T number_of(Bits<T> bits) {
  T x;
  std::memcpy(&x, &bits, sizeof x);
  return x;
}

// Hides a product from the optimiser. Otherwise compilers fuse it with a sum if the CPU has an fma; gcc does so unless
// given -ffp-contract=off.
template <class T>
inline T unfused(T product) {
#if defined(__GNUC__) && defined(__SSE2__)
  __asm__("" : "+x"(product));
  return product;
#elif defined(__GNUC__) && defined(__aarch64__)
  __asm__("" : "+w"(product));
  return product;
#else
  volatile T kept = product;
  return kept;
#endif
}

template <class T>
struct Vector {
  T x;
  Vector() : x(0) {}
  Vector(T number) : x(number) {}  // implicit: simd.hpp also mixes numbers and vectors
  // Members, not friends: gcc compiles the friends of a template without the flags of the region that they are in.
  Vector operator-() const { return -x; }
  Vector operator+(Vector b) const { return x + b.x; }
  Vector operator-(Vector b) const { return x - b.x; }
  Vector operator*(Vector b) const { return unfused(x * b.x); }
  Vector operator/(Vector b) const { return x / b.x; }
  bool operator<(Vector b) const { return x < b.x; }
  bool operator>(Vector b) const { return x > b.x; }
  bool operator>=(Vector b) const { return x >= b.x; }
};

template <class T>
inline Vector<T> load(const T* from) {
  return *from;
}
template <class T>
inline void store(T* to, Vector<T> v) {
  *to = v.x;
}
template <class T>
inline Vector<T> splat(T x) {
  return x;
}
template <class T>
inline Bits<T> splat_bits(Integer<T> x) {
  return x;
}
template <class T>
inline Bits<T> to_bits(Vector<T> v) {
  return bits_of<T>(v.x);
}
template <class T>
inline Vector<T> from_bits(Bits<T> bits) {
  return number_of<T>(bits);
}

// a·b + c with one rounding. Without an fma instruction, floats use the algorithm of the portable kernels (simd.hpp
// says why it is correct): not every C library is correct, newlib rounds twice. A compiler may fuse its product and
// sum, because the product is exact. Doubles always use the C library.
inline float emulated_fma(float a, float b, float c) {
  const double product = static_cast<double>(a) * static_cast<double>(b), addend = static_cast<double>(c);
  const double sum = product + addend;
  const double part = sum - product;
  const double lost = (product - (sum - part)) + (addend - part);
  Bits<double> bits = bits_of(sum);
  if ((lost > 0 || lost < 0) && bits % 2 == 0) bits = (lost > 0) == (sum > 0) ? bits + 1 : bits - 1;
  return static_cast<float>(number_of<double>(bits));
}
// Builtins where there are any. The functions of std:: have the flags of the whole file, which may lack an fma, and
// files share them.
#if defined(__GNUC__)
inline float fma(float a, float b, float c) { return kHasFma ? __builtin_fmaf(a, b, c) : emulated_fma(a, b, c); }
inline double fma(double a, double b, double c) { return __builtin_fma(a, b, c); }
inline float square_root(float x) { return __builtin_sqrtf(x); }
inline double square_root(double x) { return __builtin_sqrt(x); }
#else
inline float fma(float a, float b, float c) { return kHasFma ? std::fma(a, b, c) : emulated_fma(a, b, c); }
inline double fma(double a, double b, double c) { return std::fma(a, b, c); }
inline float square_root(float x) { return std::sqrt(x); }
inline double square_root(double x) { return std::sqrt(x); }
#endif
inline Vector<float> fma(Vector<float> a, Vector<float> b, Vector<float> c) { return fma(a.x, b.x, c.x); }
inline Vector<double> fma(Vector<double> a, Vector<double> b, Vector<double> c) { return fma(a.x, b.x, c.x); }

// c - a·b with one rounding.
template <class T>
inline Vector<T> fnma(Vector<T> a, Vector<T> b, Vector<T> c) {
  return fma(-a, b, c);
}

template <class T>
inline Vector<T> sqrt(Vector<T> v) {
  return square_root(v.x);
}

// at_least: x < low ? low : x. at_most: x > high ? high : x. Both keep NaN and the sign of 0.
template <class T>
inline Vector<T> at_least(Vector<T> low, Vector<T> x) {
  return x < low ? low : x;
}
template <class T>
inline Vector<T> at_most(Vector<T> high, Vector<T> x) {
  return x > high ? high : x;
}

template <class Table, class T, std::size_t n>
inline void look_up(Bits<T> index, Vector<T> (&found)[n]) {
  for (std::size_t t = 0; t < n; ++t) found[t] = Table::kNumbers[t][index & 15];
}

}  // namespace
}  // namespace fastnn::FASTNN_ISA
