// Computes y = x · W + b as one tile in registers: U splatted elements times W vectors. One template serves both
// layouts: units in lanes for few rows (inputs splatted, weights in vectors), and rows in lanes for larger blocks
// (weights splatted, inputs in vectors). Both run over k in the order of docs/numerics.md, so they give the same bits.
#pragma once

#include "../core/kernel_table.hpp"
#include "copy.hpp"
#include "shapes.hpp"
#include "simd.hpp"
#include "sums.hpp"

namespace fastnn::FASTNN_ISA {
namespace {

// The operands of a tile. `splatted` has stride splat_k over k and splat_u over u. `vectors` has stride vector_k over
// k, and panels are `panel` apart. The last panel, which may be narrower, starts at `last` and has stride last_k.
// `ahead` is the distance of the vectors that are needed after these, if the tile reads ahead.
template <class T>
struct Operands {
  const T* splatted;
  std::ptrdiff_t splat_k, splat_u;
  const T* vectors;
  std::ptrdiff_t vector_k, panel;
  const T* last;
  std::ptrdiff_t last_k;
  std::ptrdiff_t ahead = 0;
};

// Initial values and destination of the sums of a tile. With units in lanes, sum (u, w) starts at
// start[u * start_u + w vectors]; with rows in lanes, at start[u]. max(sum, threshold) goes to y[u * y_u + w vectors].
// If y are answers, the last panel has `answer_width` units, else that is 0.
template <class T>
struct Sums {
  const T* start;
  std::ptrdiff_t start_u;
  T* y;
  std::ptrdiff_t y_u;
  T threshold;
  std::size_t answer_width = 0;
};

// Tiles of at most so many chains write answers, where the first numbers of a vector are stored nearly as fast as all.
// With AVX-512 layers of 4 chains are computed by fours.hpp too, which writes whole fours. With a sanitizer's checks
// gcc 12 would take a quarter of an hour for these stores; guarded.py watches them.
#ifdef FASTNN_SANITIZED
constexpr int kMostChainsOfAnswers = 0;
#else
constexpr int kMostChainsOfAnswers = kVectorBytes < 32 ? 0 : kRegisters == 16 ? 4 : 2;
#endif

enum class Lanes { units, rows };

// Rows in lanes: weights are prefetched this many inputs ahead. Hardware prefetchers stop at the end of a page, every
// 64 lines. An input takes at least a few fmas, so 64 of them take longer than a memory access; in a pass of one chain
// in four, 16 of them take as long as one from level 3.
constexpr int kPrefetchSteps = 64;

// Minimum iterations per loop body: the counter and the pointers take 5 of the 40 instructions of an iteration. With 16
// registers gcc spills when it interleaves two iterations.
constexpr int kFewestSteps = kRegisters >= 32 ? 2 : 1;

// Some chains of a tile, from their initial values: chain 0 starts from the bias, the others from 0. They take every
// kPasses-th input from the first on, `steps` in all.
template <class T, Lanes kInLanes, int C, int U, int G, int V, bool kEndsInHalf, bool kReadsAhead, int kPasses,
          int kCount>
FASTNN_INLINE void add_chains(std::size_t steps, Operands<T> o, const Sums<T>& s, bool has_chain_0,
                              Vector<T> (&sums)[U][G * V][kCount]) {
  constexpr int W = G * V;
#pragma GCC unroll 32
  for (int u = 0; u < U; ++u)
#pragma GCC unroll 32
    for (int w = 0; w < W; ++w) {
      sums[u][w][0] = !has_chain_0               ? Vector<T>{}
                      : kInLanes == Lanes::units ? load(s.start + u * s.start_u + w * kLanes<T>)
                                                 : splat(s.start[u]);
#pragma GCC unroll 16
      for (int c = 1; c < kCount; ++c) sums[u][w][c] = Vector<T>{};
    }

  const auto step = [&](int c) FASTNN_INLINE_LAMBDA {
    if constexpr (kInLanes == Lanes::rows && C < kMostChains)
      __builtin_prefetch(o.splatted + kPrefetchSteps * o.splat_k);  // into the level 1 cache
    Vector<T> v[W];
#pragma GCC unroll 32
    for (int w = 0; w < W; ++w) {
      const T* const from = (w / V == G - 1 ? o.last : o.vectors + (w / V) * o.panel) + (w % V) * kLanes<T>;
      v[w] = load(from);
      if (kReadsAhead && w % V == 0) __builtin_prefetch(from + o.ahead, 0, kIntoLevel2);
      if constexpr (U > 1) keep(v[w]);
    }
#pragma GCC unroll 32
    for (int u = 0; u < U; ++u) {
      const Vector<T> factor = splat(o.splatted[u * o.splat_u]);
#pragma GCC unroll 32
      for (int w = 0; w < W; ++w)
        sums[u][w][c] =
            kEndsInHalf && w == W - 1 ? fma_of_half<T>(factor, v[w], sums[u][w][c]) : fma(factor, v[w], sums[u][w][c]);
    }
    o.vectors += kPasses * o.vector_k;
    o.last += kPasses * o.last_k;
    o.splatted += kPasses * o.splat_k;
  };
  constexpr int kSteps = kCount < kFewestSteps ? kFewestSteps : kCount;
  std::size_t k = 0;
  for (; k + kSteps <= steps; k += kSteps) {
    if constexpr (kInLanes == Lanes::units && C == 4)  // few units: the next tile's rows may be waited for
      if (has_chain_0 && k % (kPanelBytes / sizeof(T) / kPasses) == 0)
#pragma GCC unroll 8
        for (int u = 0; u < U; ++u) __builtin_prefetch(o.splatted + (u + U) * o.splat_u);
#pragma GCC unroll 16
    for (int i = 0; i < kSteps; ++i) step(i % kCount);
  }
#pragma GCC unroll 16
  for (int i = 0; i < kSteps - 1; ++i)  // unrolled, so that c is constant: a variable index puts the sums in memory
    if (k + i < steps) step(i % kCount);
}

// A tile of C chains, U splatted elements, and G panels of V vectors. If the registers do not hold all chains, it
// computes some after the others. If kEndsInHalf, the last panel is one vector, and what is written to the upper half
// of it is no sum. If kReadsAhead, with units in lanes, the weights that are needed next are asked for into level 2.
template <class T, Lanes kInLanes, int C, int U, int G, int V, bool kEndsInHalf, bool kReadsAhead = false>
FASTNN_INLINE void tile(std::size_t inputs, Operands<T> o, Sums<T> s) {
  constexpr int W = G * V;
  constexpr int kCount = chains_at_once(C, U * W), kPasses = C / kCount;
  const auto chains = [&](std::size_t steps, const Operands<T>& from, bool has_chain_0,
                          auto& sums) FASTNN_INLINE_LAMBDA {
    add_chains<T, kInLanes, C, U, G, V, kEndsInHalf, kReadsAhead, kPasses>(steps, from, s, has_chain_0, sums);
  };
  Vector<T> sums[U][W][kPasses == 1 ? C : kPasses];
  if constexpr (kPasses == 1)
    chains(inputs, o, true, sums);
  else
#pragma GCC unroll 1  // so that these sums are in memory: with them in registers gcc puts those of a pass there
    for (int pass = 0; pass < kPasses; ++pass) {
      Vector<T> of_pass[U][W][kCount];  // chains that sum_by_halves adds to each other first: pass, pass + kPasses, …
      Operands<T> from = o;
      from.vectors += pass * o.vector_k;
      from.last += pass * o.last_k;
      from.splatted += pass * o.splat_k;
      chains((inputs + kPasses - 1 - static_cast<std::size_t>(pass)) / kPasses, from, pass == 0, of_pass);
#pragma GCC unroll 32
      for (int u = 0; u < U; ++u)
#pragma GCC unroll 32
        for (int w = 0; w < W; ++w) sums[u][w][pass] = sum_by_halves<kCount>(of_pass[u][w]);
    }

  const Vector<T> threshold = splat(s.threshold);
  const auto finish = [&](auto write) FASTNN_INLINE_LAMBDA {
#pragma GCC unroll 32
    for (int u = 0; u < U; ++u)
#pragma GCC unroll 32
      for (int w = 0; w < W; ++w)
        write(w, s.y + u * s.y_u + w * kLanes<T>, at_least(threshold, sum_by_halves(sums[u][w])));
  };
  if constexpr (kInLanes == Lanes::units && C <= kMostChainsOfAnswers)
    if (s.answer_width > 0)
      return finish([&](int w, T* to, Vector<T> y) FASTNN_INLINE_LAMBDA {
        const std::size_t width = w / V == G - 1 ? s.answer_width : kPanelUnits<T>, first = w % V * kLanes<T>;
        if (width > first) store_first(to, with_one_nan<T>(y), min(width - first, kLanes<T>));
      });
  finish([](int, T* to, Vector<T> y) FASTNN_INLINE_LAMBDA { store(to, y); });
}

}  // namespace
}  // namespace fastnn::FASTNN_ISA
