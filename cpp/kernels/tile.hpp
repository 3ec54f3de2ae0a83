// y = x · W + b, as one tile in registers: U splatted elements times W vectors. The same template computes one or a few
// rows with units in lanes (rows splatted, weights in vectors) and batches with rows in lanes (weights splatted, rows
// in vectors). Both walk k in the order that docs/numerics.md prescribes, so they give the same bits.
#pragma once

#include "../core/kernel_table.hpp"
#include "simd.hpp"
#include "sums.hpp"

namespace fastnn::FASTNN_ISA {
namespace {

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

// Where a tile's sums start from: with units in lanes, element (u, w) from start[u * start_u + w vectors], with rows in
// lanes from start[u]. And where they go: to y[u * y_u + w vectors], `threshold` in place of what is less.
template <class T>
struct Sums {
  const T* start;
  std::ptrdiff_t start_u;
  T* y;
  std::ptrdiff_t y_u;
  T threshold;
};

enum class Lanes { units, rows };

// Rows in lanes: how far ahead of the tile weights are fetched, in steps. Prefetchers stop at the end of a page, every
// 64 lines; a step is at least the time of a few fmas, and 64 of them longer than memory takes.
constexpr int kPrefetchSteps = 64;

// Steps in the body of a tile's loop, at least: counting and moving pointers takes 5 of a step's 40 instructions. With
// 16 registers gcc spills where it mixes two steps.
constexpr int kFewestSteps = kRegisters >= 32 ? 2 : 1;

// C chains, U splatted elements, G panels of V vectors. Chain 0 starts from the bias, the others from 0.
template <class T, Lanes kInLanes, int C, int U, int G, int V>
FASTNN_INLINE void tile(std::size_t inputs, Operands<T> o, Sums<T> s) {
  constexpr int W = G * V;
  Vector<T> sums[U][W][C];
#pragma GCC unroll 32
  for (int u = 0; u < U; ++u)
#pragma GCC unroll 32
    for (int w = 0; w < W; ++w) {
      sums[u][w][0] = kInLanes == Lanes::units ? load(s.start + u * s.start_u + w * kLanes<T>) : splat(s.start[u]);
#pragma GCC unroll 16
      for (int c = 1; c < C; ++c) sums[u][w][c] = Vector<T>{};
    }

  const auto step = [&](int c) FASTNN_INLINE_LAMBDA {
    if constexpr (kInLanes == Lanes::rows && C < kMostChains)
      __builtin_prefetch(o.splatted + kPrefetchSteps * o.splat_k);  // into level 1
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
  constexpr int kSteps = C < kFewestSteps ? kFewestSteps : C;
  std::size_t k = 0;
  for (; k + kSteps <= inputs; k += kSteps)
#pragma GCC unroll 16
    for (int i = 0; i < kSteps; ++i) step(i % C);
#pragma GCC unroll 16
  for (int i = 0; i < kSteps - 1; ++i)  // every index a constant: a variable one would put the sums in memory
    if (k + i < inputs) step(i % C);

  const Vector<T> threshold = splat(s.threshold);
#pragma GCC unroll 32
  for (int u = 0; u < U; ++u)
#pragma GCC unroll 32
    for (int w = 0; w < W; ++w) {
      const Vector<T> sum = sum_by_halves<C>(sums[u][w]);
      store(s.y + u * s.y_u + w * kLanes<T>, at_least(threshold, sum));
    }
}

}  // namespace
}  // namespace fastnn::FASTNN_ISA
