// Computes a layer of 4 to 12 units from rows that lie side by side: chains in lanes. A vector of 16 lanes holds the 4
// chains (docs/numerics.md) of 4 units, so one fma takes 4 inputs for them. In the tiles of dense.hpp a vector holds 16
// units, so such a layer would leave a quarter to three quarters of the lanes idle.
#pragma once

#include "../core/kernel_table.hpp"
#include "shapes.hpp"
#include "simd.hpp"

namespace fastnn::FASTNN_ISA {
namespace {

#if defined(__AVX512F__)

constexpr int kFour = 4;
constexpr int kRowsOfFours = 8;                // of a tile: 24 sums for 12 units, and 8 addresses of rows
constexpr std::size_t kMostInterleaved = 512;  // vectors of weights, 32 KiB of the stack
using Sixteen = std::make_integer_sequence<int, 16>;

// Returns the first n of four numbers, and 0 for the others, repeated over the lanes.
FASTNN_INLINE Vector<float> repeat_four(const float* from, std::size_t n = kFour) {
  return _mm512_broadcast_f32x4(n == kFour ? _mm_loadu_ps(from)
                                           : _mm_maskz_loadu_ps(static_cast<__mmask8>((1u << n) - 1), from));
}

// Returns the weight of input c and unit n in lane 4 n + c, from four vectors of which each has the units of an input.
template <int... lane>
FASTNN_INLINE Vector<float> interleave(const Vector<float> (&of_inputs)[kFour], std::integer_sequence<int, lane...>) {
  const auto two = [](Vector<float> a, Vector<float> b)
                       FASTNN_INLINE_LAMBDA { return __builtin_shufflevector(a, b, (lane / 4 + lane % 2 * 16)...); };
  return __builtin_shufflevector(two(of_inputs[0], of_inputs[1]), two(of_inputs[2], of_inputs[3]),
                                 (lane % 4 < 2 ? lane : 16 + lane)...);
}

// Returns the weights of inputs k … k + count - 1, count <= 4, for units 4 j … 4 j + 3.
FASTNN_INLINE Vector<float> weights_of_fours(const PackedLayer<float>& layer, std::size_t k, int count, int j) {
  Vector<float> of_inputs[kFour];
#pragma GCC unroll 4
  for (int c = 0; c < kFour; ++c)  // times 0, -0 changes no sum, not even a sum of -0
    of_inputs[c] =
        c < count ? load(layer.kernel + (k + static_cast<std::size_t>(c)) * layer.units + j * kFour) : splat(-0.0f);
  return interleave(of_inputs, Sixteen{});
}

// Swaps n and v in lanes 4 n + v.
template <int... lane>
FASTNN_INLINE Vector<float> turn(Vector<float> x, std::integer_sequence<int, lane...>) {
  return __builtin_shufflevector(x, x, (lane % 4 * 4 + lane / 4)...);
}

// Adds up the chains of four vectors: vector v's sum of unit n comes to lane 4 v + n.
FASTNN_INLINE Vector<float> sums_of_fours(Vector<float> a, Vector<float> b, Vector<float> c, Vector<float> d) {
  swap_squares<2, float>(a, c, Sixteen{});
  swap_squares<2, float>(b, d, Sixteen{});
  Vector<float> even = a + c, odd = b + d;
  swap_squares<1, float>(even, odd, Sixteen{});
  return turn(even + odd, Sixteen{});
}

// A tile of rows, with J vectors for the units of each, of which the last is half full if kEndsInHalf. If fewer rows
// are left, it computes the last one repeatedly. weights(k, count, j) returns what weights_of_fours() does.
template <int J, bool kEndsInHalf, class Weights>
FASTNN_INLINE void tile_of_fours(const PackedLayer<float>& layer, const Block<const float>& x, const Block<float>& y,
                                 std::size_t row, float threshold, const Weights& weights_of) {
  constexpr int R = kRowsOfFours;
  const std::size_t rows = min(R, x.rows - row);
  const float* from[R];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r)
    from[r] = x.data + stride(row + min(static_cast<std::size_t>(r), rows - 1)) * x.row_stride;
  Vector<float> chains[J][R];
#pragma GCC unroll 3
  for (int j = 0; j < J; ++j) {
    const Vector<float> first[kFour] = {load_first(layer.of_units[0] + j * kFour, kFour)};  // the bias is in chain 0
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) chains[j][r] = interleave(first, Sixteen{});
  }
  const std::ptrdiff_t to_next = R * x.row_stride;
  const bool is_long = layer.inputs >= 32;  // fewer fill two cache lines: 17-8 takes 1.04 times as long with prefetches
  const auto add = [&](std::size_t k, int count, auto in) FASTNN_INLINE_LAMBDA {
    Vector<float> weights[J];
#pragma GCC unroll 3
    for (int j = 0; j < J; ++j) {
      weights[j] = weights_of(k, count, j);
      keep(weights[j]);
    }
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const Vector<float> numbers = in(from[r]);
      if (is_long) __builtin_prefetch(from[r] + k + to_next);  // of the next tile, which may be in memory
#pragma GCC unroll 3
      for (int j = 0; j < J; ++j)
        chains[j][r] = kEndsInHalf && j == J - 1 ? fma_of_half<float>(numbers, weights[j], chains[j][r])
                                                 : fma(numbers, weights[j], chains[j][r]);
    }
  };
  std::size_t k = 0;
  for (; k + kFour <= layer.inputs; k += kFour)
    add(k, kFour, [&](const float* numbers) FASTNN_INLINE_LAMBDA { return repeat_four(numbers + k); });
  if (k < layer.inputs)
    add(k, static_cast<int>(layer.inputs - k),
        [&](const float* numbers) FASTNN_INLINE_LAMBDA { return repeat_four(numbers + k, layer.inputs - k); });
#pragma GCC unroll 3
  for (int j = 0; j < J; ++j)
#pragma GCC unroll 2
    for (int r = 0; r < R; r += kFour) {
      float sums[16];
      store(sums, at_least(splat(threshold),
                           sums_of_fours(chains[j][r], chains[j][r + 1], chains[j][r + 2], chains[j][r + 3])));
      for (std::size_t v = 0; v < kFour && r + v < rows; ++v)
        __builtin_memcpy(y.data + stride(row + r + v) * y.row_stride + j * kFour, sums + v * kFour,
                         kFour * sizeof(float));
    }
}

// All tiles of some rows. They share interleaved weights where that pays: without, 1000 rows of 943-4 take 1.16 times
// as long on a Zen 4 core, but 13-5 takes 1.1 times as long with them. Many weights displace rows in level 1, so they
// need more rows. Where it does not pay, 9 to 12 units are left to the tiles of dense.hpp, which take less time then.
template <int J, bool kEndsInHalf = false>
std::size_t tiles_of_fours(const PackedLayer<float>& layer, const Block<const float>& x, const Block<float>& y,
                           float threshold) {
  const auto for_each_tile = [&](auto weights) FASTNN_INLINE_LAMBDA {
    std::size_t row = 0;
    for (; row < x.rows && x.rows - row >= 2 * J; row += kRowsOfFours)
      tile_of_fours<J, kEndsInHalf>(layer, x, y, row, threshold, weights);
    return min(row, x.rows);
  };
  const std::size_t groups = (layer.inputs + kFour - 1) / kFour, vectors = groups * J;
  constexpr bool kOrDense = J == 3;
  const std::size_t few = kOrDense ? 3 * kRowsOfFours : kRowsOfFours + 1, many = 6 * kRowsOfFours;
  const bool shares = x.rows >= (kOrDense || vectors <= kMostInterleaved / 2 ? few : many) &&
                      groups >= (kOrDense ? 4 : 8) && vectors <= kMostInterleaved;
  if (!shares && kOrDense) return 0;
  if (!shares)
    return for_each_tile([&](std::size_t k, int count, int j)
                             FASTNN_INLINE_LAMBDA { return weights_of_fours(layer, k, count, j); });
  Vector<float> interleaved[kMostInterleaved];
  for (std::size_t k = 0; k < layer.inputs; k += kFour)
    for (int j = 0; j < J; ++j)
      interleaved[k / kFour * J + static_cast<std::size_t>(j)] =
          weights_of_fours(layer, k, static_cast<int>(min(kFour, layer.inputs - k)), j);
  return for_each_tile([&](std::size_t k, int, int j)
                           FASTNN_INLINE_LAMBDA { return interleaved[k / kFour * J + static_cast<std::size_t>(j)]; });
}

// Computes rows from the first on, and returns how many. The tiles of dense.hpp compute the others: they take less time
// for more than 12 units, for 9 to 12 of few rows or inputs, and for fewer than 2 rows for each vector of a row's
// units.
inline std::size_t dense_by_fours(const PackedLayer<float>& layer, const Block<const float>& x, const Block<float>& y,
                                  float threshold) {
  if (layer.units > 12) return 0;
  std::size_t done = 0;
  with_constant<3>((layer.units + kFour - 1) / kFour, [&](auto j) FASTNN_INLINE_LAMBDA {
    constexpr int J = decltype(j)::value;
    const std::size_t in_last = layer.units - (J - 1) * kFour;
    done = J > 1 && in_last <= kFour / 2 ? tiles_of_fours<J, true>(layer, x, y, threshold)
                                         : tiles_of_fours<J>(layer, x, y, threshold);
  });
  return done;
}

#endif

// Other types and instruction sets have no vector of 16 lanes.
template <class T>
std::size_t dense_by_fours(const PackedLayer<T>&, const Block<const T>&, const Block<T>&, T) {
  return 0;
}

}  // namespace
}  // namespace fastnn::FASTNN_ISA
