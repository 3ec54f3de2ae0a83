// Computes one row through a layer, in standard C++17: the arithmetic of exported C++ headers (docs/header.md). It
// works on one number at a time, in loops over units that compilers vectorize.
#pragma once

#include "../core/chains.hpp"
#include "../kernels/activations.hpp"
#include "../kernels/sums.hpp"
#include "../kernels/whole_rows.hpp"

namespace fastnn::FASTNN_ISA {
namespace {

// Units summed in one pass: enough independent sums to fill the widest vectors and to hide the latency of an fma.
constexpr std::size_t kPanelWidth = 64;

// sums[n] = fma(x, weights[n], sums[n]).
template <class T, std::size_t width>
inline void add_products(T x, const T* weights, T (&sums)[width]) {
  if constexpr (width > 16) {
    for (std::size_t n = 0; n < width; ++n) sums[n] = fma(x, weights[n], sums[n]);
  } else {
    // gcc 12 -O3 unrolls up to 16 iterations into scalar code: 870 ns for 100 inputs and 16 units, 70 ns without
    // unrolling (AVX2).
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC unroll 1
#endif
    for (std::size_t n = 0; n < width; ++n) sums[n] = fma(x, weights[n], sums[n]);
  }
}

// y[n] = bias[n] + sum over k of x[k] weights[k * width + n], in C chains.
template <class T, std::size_t C, std::size_t width>
void panel(std::size_t inputs, const T* x, const T* weights, const T* bias, T* y) {
  T sums[C][width] = {};
  for (std::size_t n = 0; n < width; ++n) sums[0][n] = bias[n];
  std::size_t k = 0;
  for (; k + C <= inputs; k += C)
    for (std::size_t c = 0; c < C; ++c) add_products(x[k + c], weights + (k + c) * width, sums[c]);
  for (std::size_t c = 0; k + c < inputs; ++c) add_products(x[k + c], weights + (k + c) * width, sums[c]);
  for (std::size_t half = C / 2; half > 0; half /= 2)
    for (std::size_t c = 0; c < half; ++c)
      for (std::size_t n = 0; n < width; ++n) sums[c][n] = sums[c][n] + sums[c + half][n];
  for (std::size_t n = 0; n < width; ++n) y[n] = sums[0][n];
}

// Returns bias + sum over k of x[k] weights[k], in the 16 chains of layers with fewer than 4 units.
template <class T>
T dot(std::size_t inputs, const T* x, const T* weights, T bias) {
  T sums[kMostChains] = {bias};
  std::size_t k = 0;
  for (; k + kMostChains <= inputs; k += kMostChains)
    for (std::size_t c = 0; c < kMostChains; ++c) sums[c] = fma(x[k + c], weights[k + c], sums[c]);
  for (std::size_t c = 0; k + c < inputs; ++c) sums[c] = fma(x[k + c], weights[k + c], sums[c]);
  return sum_by_halves(sums);
}

// y = x · W + b. The weights are packed in panels of kPanelWidth units or, with 16 chains, unit by unit.
template <std::size_t units, class T>
void dense(std::size_t inputs, const T* x, const T* weights, const T* bias, T* y) {
  constexpr std::size_t C = chains_of(units);
  if constexpr (C == kMostChains) {
    for (std::size_t n = 0; n < units; ++n) y[n] = dot(inputs, x, weights + n * inputs, bias[n]);
  } else {
    constexpr std::size_t whole = units / kPanelWidth * kPanelWidth, rest = units - whole;
    for (std::size_t n = 0; n < whole; n += kPanelWidth)
      panel<T, C, kPanelWidth>(inputs, x, weights + n * inputs, bias + n, y + n);
    if constexpr (rest > 0) panel<T, C, rest>(inputs, x, weights + whole * inputs, bias + whole, y + whole);
  }
}

// Applies an element-wise activation in place. a and b are its parameters, if it has any.
template <Activation kActivation, class T>
void activate(std::size_t units, T* row, T a = 0, T b = 0) {
  for (std::size_t n = 0; n < units; ++n) store(row + n, activated<kActivation, T>(load(row + n), a, b));
}

// Every NaN becomes kNaN. >= holds unless it is one; of == compilers warn on demand.
template <class T>
void copy(std::size_t units, const T* from, T* to) {
  for (std::size_t n = 0; n < units; ++n) to[n] = from[n] >= from[n] ? from[n] : kNaN<T>;
}

}  // namespace
}  // namespace fastnn::FASTNN_ISA
