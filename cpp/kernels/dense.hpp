// y = x · W + b, as one tile in registers: U splatted elements times W vectors. The same template computes one or a few
// rows with units in lanes (rows splatted, weights in vectors) and batches with rows in lanes (weights splatted, rows
// in vectors). Both walk k in the order that docs/numerics.md prescribes, so they give the same bits.
#pragma once

#include "../core/kernel_table.hpp"
#include "simd.hpp"

namespace fastnn::FASTNN_ISA {
namespace {

// c[0] + c[1] + … by halving: c[j] += c[j + w] for w = C/2, C/4, … 1.
template <int C, class E>
FASTNN_INLINE E sum_by_halves(E (&c)[C]) {
#pragma GCC unroll 8
  for (int width = C / 2; width > 0; width /= 2)
#pragma GCC unroll 8
    for (int j = 0; j < width; ++j) c[j] = c[j] + c[j + width];
  return c[0];
}

// The operands of a tile. `splatted` walks over k with stride splat_k and from u to u + 1 with splat_u; `vectors` walks
// over k with vector_k, and from one panel to the next with panel.
template <class T>
struct Operands {
  const T* splatted;
  std::ptrdiff_t splat_k, splat_u;
  const T* vectors;
  std::ptrdiff_t vector_k, panel;
};

enum class Lanes { units, rows };

constexpr std::ptrdiff_t stride(std::size_t elements) { return static_cast<std::ptrdiff_t>(elements); }

// C chains, U splatted elements, G panels of V vectors. Chain 0 starts from the bias, the others from 0.
template <class T, Lanes kInLanes, int C, int U, int G, int V>
FASTNN_INLINE void tile(std::size_t inputs, Operands<T> o, const T* bias, T* y, std::ptrdiff_t y_u) {
  constexpr int W = G * V;
  Vector<T> sums[U][W][C];
#pragma GCC unroll 32
  for (int u = 0; u < U; ++u)
#pragma GCC unroll 32
    for (int w = 0; w < W; ++w) {
      sums[u][w][0] = kInLanes == Lanes::units ? load(bias + w * kLanes<T>) : splat(bias[u]);
#pragma GCC unroll 16
      for (int c = 1; c < C; ++c) sums[u][w][c] = Vector<T>{};
    }

  const auto step = [&](int c) FASTNN_INLINE_LAMBDA {
    const T* vectors = o.vectors + c * o.vector_k;
    const T* splatted = o.splatted + c * o.splat_k;
    Vector<T> v[W];
#pragma GCC unroll 32
    for (int w = 0; w < W; ++w) v[w] = load(vectors + (w / V) * o.panel + (w % V) * kLanes<T>);
#pragma GCC unroll 32
    for (int u = 0; u < U; ++u) {
      const Vector<T> s = splat(splatted[u * o.splat_u]);
#pragma GCC unroll 32
      for (int w = 0; w < W; ++w) sums[u][w][c] = fma(s, v[w], sums[u][w][c]);
    }
  };
  std::size_t k = 0;
  for (; k + C <= inputs; k += C) {
#pragma GCC unroll 16
    for (int c = 0; c < C; ++c) step(c);
    o.vectors += C * o.vector_k;
    o.splatted += C * o.splat_k;
  }
#pragma GCC unroll 16
  for (int c = 0; c < C - 1; ++c)  // every index a constant: a variable one would put the sums in memory
    if (k + c < inputs) step(c);

#pragma GCC unroll 32
  for (int u = 0; u < U; ++u)
#pragma GCC unroll 32
    for (int w = 0; w < W; ++w) store(y + u * y_u + w * kLanes<T>, sum_by_halves<C>(sums[u][w]));
}

constexpr int clamp(int n, int low, int high) { return n < low ? low : n < high ? n : high; }
constexpr int power_of_2_up_to(int n) { return n < 2 ? 1 : 2 * power_of_2_up_to(n / 2); }

// Registers for sums: three quarters, 24, 12 or 6. The rest hold a step's vectors (6 or 3 for one chain) and a splat.
constexpr int kSums = kRegisters * 3 / 4;

// All panels for the U rows at x: as many at a time as there are registers for, then half as many, down to one; the
// last panel, when it is narrower than the others, alone.
template <class T, int C, int U, int G>
void units_in_lanes(const PackedLayer<T>& layer, Block<const T> x, Block<T> y, std::size_t panel) {
  constexpr std::size_t P = kPanelUnits<T>;
  constexpr int V = static_cast<int>(P) / kLanes<T>;
  const auto compute = [&](std::size_t width) FASTNN_INLINE_LAMBDA {
    const T* weights = layer.weights + panel * P * layer.inputs;
    const Operands<T> o = {x.data, 1, x.row_stride, weights, stride(width), stride(width * layer.inputs)};
    tile<T, Lanes::units, C, U, G, V>(layer.inputs, o, layer.bias + panel * P, y.data + panel * P, y.row_stride);
  };
  for (; (panel + G) * P <= layer.units; panel += G) compute(P);
  if constexpr (G > 1)
    units_in_lanes<T, C, U, G / 2>(layer, x, y, panel);
  else if (panel * P < layer.units)
    compute(layer.units - panel * P);
}

// Fewer than 4 units for one row: the 16 chains of a unit in lanes, so that a step takes 16 inputs at once. In the last
// step the weights are padded with -0 and the inputs here with 0: a product of -0 changes no sum, not even one of -0.
template <class T>
T dot(std::size_t inputs, const T* x, const T* weights, T bias) {
  constexpr int V = kMostChains / kLanes<T>;
  Vector<T> sums[V] = {};
  sums[0][0] = bias;
  for (std::size_t k = 0; k < inputs; k += kMostChains) {
    const int left = inputs - k < kMostChains ? static_cast<int>(inputs - k) : kMostChains;
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) {
      const Vector<T> in = load(x + k + v * kLanes<T>);
      const Bits<T> there = lane_numbers<T>() < Integer<T>{left - v * kLanes<T>};
      sums[v] = fma(there ? in : Vector<T>{}, load(weights + k + v * kLanes<T>), sums[v]);
    }
  }
  T lanes[kLanes<T>];
  store(lanes, sum_by_halves<V>(sums));
  return sum_by_halves<kLanes<T>>(lanes);
}

template <class T, int C>
void dense_units_in_lanes(const PackedLayer<T>& layer, Block<const T> x, Block<T> y) {
  if constexpr (C == kMostChains) {
    for (std::size_t r = 0; r < x.rows; ++r)
      for (std::size_t n = 0; n < layer.units; ++n)
        y.data[stride(r) * y.row_stride + stride(n)] =
            dot(layer.inputs, x.data + stride(r) * x.row_stride, layer.weights + n * pad_to_chains(layer.inputs),
                layer.bias[n]);
    return;
  }
  constexpr int V = static_cast<int>(kPanelUnits<T>) / kLanes<T>;
  constexpr int U = clamp(kSums / (C * V), 1, 4);
  std::size_t row = 0;
  const auto rows = [](auto block, std::size_t first) {
    block.data += stride(first) * block.row_stride;
    return block;
  };
  for (; row + U <= x.rows; row += U)
    units_in_lanes<T, C, U, power_of_2_up_to(kSums / (C * V * U))>(layer, rows(x, row), rows(y, row), 0);
  for (; row < x.rows; ++row)
    units_in_lanes<T, C, 1, power_of_2_up_to(kSums / (C * V))>(layer, rows(x, row), rows(y, row), 0);
}

// Units [unit, unit + U), [unit + U, …) … as long as U of them are left in their panel, then one by one, for the V
// vectors of rows at x.
template <class T, int C, int V>
void rows_in_lanes(const PackedLayer<T>& layer, Block<const T> x, Block<T> y) {
  constexpr std::size_t P = kPanelUnits<T>;
  constexpr int U = clamp(kSums / (C * V), 1, 4);
  for (std::size_t unit = 0; unit < layer.units;) {
    const std::size_t first = unit / P * P;
    const std::size_t width = layer.units - first < P ? layer.units - first : P;
    Operands<T> o = {
        layer.weights + first * layer.inputs + (unit - first), stride(width), 1, x.data, x.column_stride, 0};
    if constexpr (C == kMostChains) {
      o.splatted = layer.weights + unit * pad_to_chains(layer.inputs);
      o.splat_k = 1, o.splat_u = stride(pad_to_chains(layer.inputs));
    }
    T* sums = y.data + stride(unit) * y.column_stride;
    if (unit + U <= first + width) {
      tile<T, Lanes::rows, C, U, 1, V>(layer.inputs, o, layer.bias + unit, sums, y.column_stride);
      unit += U;
    } else {
      tile<T, Lanes::rows, C, 1, 1, V>(layer.inputs, o, layer.bias + unit, sums, y.column_stride);
      ++unit;
    }
  }
}

// Vectors of rows in a tile: with 4 splats, as many as there are registers for.
constexpr int kTileVectors = kSums / 4;

// Every vector of rows of the block, V at a time, then what is left by a tile of its own size.
template <class T, int C, int V = clamp(kTileVectors / C, 1, kTileVectors)>
void dense_rows_in_lanes(const PackedLayer<T>& layer, Block<const T> x, Block<T> y) {
  for (; x.rows > (V - 1) * kLanes<T>;) {
    rows_in_lanes<T, C, V>(layer, x, y);
    constexpr std::size_t done = V * kLanes<T>;
    if (x.rows <= done) return;
    x.rows -= done, y.rows -= done;
    x.data += done, y.data += done;
  }
  if constexpr (V > 1) dense_rows_in_lanes<T, C, V - 1>(layer, x, y);
}

}  // namespace
}  // namespace fastnn::FASTNN_ISA
