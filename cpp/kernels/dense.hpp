// y = x · W + b, as one tile in registers: U splatted elements times W vectors. The same template computes one or a few
// rows with units in lanes (rows splatted, weights in vectors) and batches with rows in lanes (weights splatted, rows
// in vectors). Both walk k in the order that docs/numerics.md prescribes, so they give the same bits.
#pragma once

#include "../core/kernel_table.hpp"
#include "copy.hpp"

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
// over k with vector_k, and from one panel to the next with panel. The last panel, which may be narrower than the
// others, is at `last` and walks with last_k.
template <class T>
struct Operands {
  const T* splatted;
  std::ptrdiff_t splat_k, splat_u;
  const T* vectors;
  std::ptrdiff_t vector_k, panel;
  const T* last;
  std::ptrdiff_t last_k;
};

// Where a tile's sums start from, and go: element (u, w) to y[u * y_u + w vectors], `threshold` in place of what is
// less.
template <class T>
struct Sums {
  const T* bias;
  T* y;
  std::ptrdiff_t y_u;
  T threshold;
};

enum class Lanes { units, rows };

// Rows in lanes: how far ahead of the tile weights are fetched, in steps. Prefetchers stop at the end of a page, every
// 64 lines; a step is at least the time of a few fmas, and 64 of them longer than memory takes.
constexpr int kPrefetchSteps = 64;

// C chains, U splatted elements, G panels of V vectors. Chain 0 starts from the bias, the others from 0.
template <class T, Lanes kInLanes, int C, int U, int G, int V>
FASTNN_INLINE void tile(std::size_t inputs, Operands<T> o, Sums<T> s) {
  constexpr int W = G * V;
  Vector<T> sums[U][W][C];
#pragma GCC unroll 32
  for (int u = 0; u < U; ++u)
#pragma GCC unroll 32
    for (int w = 0; w < W; ++w) {
      sums[u][w][0] = kInLanes == Lanes::units ? load(s.bias + w * kLanes<T>) : splat(s.bias[u]);
#pragma GCC unroll 16
      for (int c = 1; c < C; ++c) sums[u][w][c] = Vector<T>{};
    }

  const auto step = [&](int c) FASTNN_INLINE_LAMBDA {
    if constexpr (kInLanes == Lanes::rows && C < kMostChains)
      __builtin_prefetch(o.splatted + kPrefetchSteps * o.splat_k, 0, 2);  // into level 2
    Vector<T> v[W];
#pragma GCC unroll 32
    for (int w = 0; w < W; ++w) {
      v[w] = load((w / V == G - 1 ? o.last : o.vectors + (w / V) * o.panel) + (w % V) * kLanes<T>);
      if constexpr (U > 1) keep(v[w]);
    }
#pragma GCC unroll 32
    for (int u = 0; u < U; ++u) {
      const Vector<T> factor = splat(o.splatted[u * o.splat_u]);
#pragma GCC unroll 32
      for (int w = 0; w < W; ++w) sums[u][w][c] = fma(factor, v[w], sums[u][w][c]);
    }
    o.vectors += o.vector_k;
    o.last += o.last_k;
    o.splatted += o.splat_k;
  };
  std::size_t k = 0;
  for (; k + C <= inputs; k += C)
#pragma GCC unroll 16
    for (int c = 0; c < C; ++c) step(c);
#pragma GCC unroll 16
  for (int c = 0; c < C - 1; ++c)  // every index a constant: a variable one would put the sums in memory
    if (k + c < inputs) step(c);

  const Vector<T> threshold = splat(s.threshold);
#pragma GCC unroll 32
  for (int u = 0; u < U; ++u)
#pragma GCC unroll 32
    for (int w = 0; w < W; ++w) {
      const Vector<T> sum = sum_by_halves<C>(sums[u][w]);
      store(s.y + u * s.y_u + w * kLanes<T>, at_least(threshold, sum));
    }
}

// ---- tile shapes ----

constexpr int clamp(int n, int low, int high) { return n < low ? low : n < high ? n : high; }
constexpr int power_of_2_up_to(int n) { return n < 2 ? 1 : 2 * power_of_2_up_to(n / 2); }

// Registers for sums: three quarters, 24, 12 or 6. The rest hold a step's vectors and a splat.
constexpr int kSums = kRegisters * 3 / 4;

// Units in lanes, most rows of a tile: 4 for one load of weights.
template <class T, int C>
constexpr int kMostRows = clamp(kSums * kLanes<T> / (C * static_cast<int>(kPanelUnits<T>)), 1, 4);

// Units in lanes, most panels of a tile of U rows: 4 streams of weights, as far apart as a panel is large, are what
// caches of 8 ways and prefetchers follow. Layers of more than one chain have few panels.
template <class T, int C, int U>
constexpr int kMostPanels = clamp(kSums * kLanes<T> / (C * U * static_cast<int>(kPanelUnits<T>)), 1,
                                  C == 4 ? 16 / static_cast<int>(kPanelUnits<T>) : 4);

// Rows in lanes, most vectors of rows of a tile: as many as there are registers for beside 4 units. 6 vectors x 4 units
// take 10 loads for 24 fmas.
template <int C>
constexpr int kMostVectors = clamp(kSums / (4 * C), 1, kSums);

// Rows in lanes, most units of a tile of V vectors: a divisor of a panel's.
template <class T, int C, int V>
constexpr int kMostUnits = power_of_2_up_to(clamp(kSums / (C * V), 1, static_cast<int>(kPanelUnits<T>)));

template <int n>
struct Constant {
  static constexpr int value = n;
};

// body(Constant<n>) for an n known only now, from 1 to most.
template <int most, class Body>
FASTNN_INLINE void with_constant(std::size_t n, Body body) {
  if constexpr (most > 1)
    if (n < most) return with_constant<most - 1>(n, body);
  body(Constant<most>{});
}

// The same for the largest power of two that is at most n and `most`, itself one.
template <int most, class Body>
FASTNN_INLINE void with_power_of_2(std::size_t n, Body body) {
  if constexpr (most > 1)
    if (n < most) return with_power_of_2<most / 2>(n, body);
  body(Constant<most>{});
}

// The first of the fewest groups of at most `most` that n are shared out to evenly.
constexpr std::size_t first_group(std::size_t n, std::size_t most) {
  const std::size_t groups = (n - 1) / most + 1;
  return (n + groups - 1) / groups;
}

// ---- layers ----

// relu, the one activation that costs a tile nothing: every other lets all sums pass.
template <class T>
T threshold_of(Activation activation) {
  return activation == Activation::relu ? T{0} : -static_cast<T>(__builtin_inf());
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

template <class T>
void dots_units_in_lanes(const PackedLayer<T>& layer, const Block<const T>& x, const Block<T>& y) {
  const T threshold = threshold_of<T>(layer.activation);
  for (std::size_t r = 0; r < x.rows; ++r)
    for (std::size_t n = 0; n < layer.units; ++n) {
      const T sum = dot(layer.inputs, x.data + stride(r) * x.row_stride,
                        layer.weights + n * pad_to_chains(layer.inputs), layer.bias[n]);
      y.data[stride(r) * y.row_stride + stride(n)] = sum < threshold ? threshold : sum;
    }
}

// All rows for a few panels, then for the next: weights come from far away once.
template <class T, int C>
void dense_units_in_lanes(const PackedLayer<T>& layer, const Block<const T>& x, const Block<T>& y, Range units) {
  constexpr std::size_t P = kPanelUnits<T>;
  constexpr int V = static_cast<int>(P) / kLanes<T>;
  const T threshold = threshold_of<T>(layer.activation);
  const std::size_t most_panels = kMostPanels<T, C, kMostRows<T, C>>;
  const std::size_t end = (units.last + P - 1) / P;
  for (std::size_t panel = units.first / P, panels; panel < end; panel += panels) {
    panels = first_group(end - panel, x.rows == 1 ? kMostPanels<T, C, 1> : most_panels);
    const std::size_t last = panel + panels - 1;
    const std::size_t last_width = layer.units - last * P < P ? layer.units - last * P : P;
    for (std::size_t row = 0, rows; row < x.rows; row += rows) {
      rows = first_group(x.rows - row, kMostRows<T, C>);
      const Operands<T> o = {x.data + stride(row) * x.row_stride,
                             1,
                             x.row_stride,
                             layer.weights + panel * P * layer.inputs,
                             stride(P),
                             stride(P * layer.inputs),
                             layer.weights + last * P * layer.inputs,
                             stride(last_width)};
      const Sums<T> s = {layer.bias + panel * P, y.data + stride(row) * y.row_stride + stride(panel * P), y.row_stride,
                         threshold};
      with_constant<kMostRows<T, C>>(rows, [&](auto u) FASTNN_INLINE_LAMBDA {
        constexpr int U = decltype(u)::value;
        with_constant<kMostPanels<T, C, U>>(panels, [&](auto g) FASTNN_INLINE_LAMBDA {
          tile<T, Lanes::units, C, U, decltype(g)::value, V>(layer.inputs, o, s);
        });
      });
    }
  }
}

// V vectors of rows, as many units at a time as are left in their panel, up to what a tile takes.
template <class T, int C, int V>
void rows_in_lanes(const PackedLayer<T>& layer, const Block<const T>& x, const Block<T>& y, std::size_t row,
                   Range units) {
  constexpr std::size_t P = kPanelUnits<T>;
  const T threshold = threshold_of<T>(layer.activation);
  for (std::size_t unit = units.first, done; unit < units.last; unit += done) {
    const std::size_t first = unit / P * P;
    const std::size_t width = layer.units - first < P ? layer.units - first : P;
    const bool by_unit = C == kMostChains;
    const std::size_t padded = pad_to_chains(layer.inputs);
    const Operands<T> o = {
        by_unit ? layer.weights + unit * padded : layer.weights + first * layer.inputs + (unit - first),
        by_unit ? 1 : stride(width),
        by_unit ? stride(padded) : 1,
        nullptr,
        0,
        0,
        x.data + row,
        x.column_stride};
    const Sums<T> s = {layer.bias + unit, y.data + row + stride(unit) * y.column_stride, y.column_stride, threshold};
    with_power_of_2<kMostUnits<T, C, V>>(first + width - unit, [&](auto u) FASTNN_INLINE_LAMBDA {
      constexpr int U = decltype(u)::value;
      tile<T, Lanes::rows, C, U, 1, V>(layer.inputs, o, s);
      done = U;
    });
  }
}

// Every vector of rows of the block, as evenly as tiles allow.
template <class T, int C>
void dense_rows_in_lanes(const PackedLayer<T>& layer, const Block<const T>& x, const Block<T>& y, Range units) {
  for (std::size_t row = 0, vectors; row < x.rows; row += vectors * kLanes<T>) {
    vectors = first_group((x.rows - row + kLanes<T> - 1) / kLanes<T>, kMostVectors<C>);
    with_constant<kMostVectors<C>>(vectors, [&](auto v) FASTNN_INLINE_LAMBDA {
      rows_in_lanes<T, C, decltype(v)::value>(layer, x, y, row, units);
    });
  }
}

}  // namespace
}  // namespace fastnn::FASTNN_ISA
