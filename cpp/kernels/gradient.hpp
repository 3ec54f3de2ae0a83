// Gradients of weights: sums over the rows of a batch of products of two matrices, in tiles as in tile.hpp, and sums of
// columns. Each sum is one chain over the rows in order (docs/numerics.md, "Training").
#pragma once

#include "../core/kernel_table.hpp"
#include "dense.hpp"
#include "shapes.hpp"
#include "simd.hpp"

namespace fastnn::FASTNN_ISA {
namespace {

// A tile reads one or two lines of each row of a, too far apart for the CPU to foresee. The tile before has read the
// first, so the last is asked for, so many rows ahead, if there are at least as many rows as kManyRows: 1.02 to 1.07
// times as fast, but 0.97 with fewer (an Intel Xeon).
constexpr int kInputRowsAhead = 16;
constexpr std::size_t kManyRows = 96;

// place(i, j) = sum over rows of a[r][i] · b[r][j], or is increased by it if `adds`; U values of i from `first`, G
// panels of j, of which the last is `width` wide, at most half of a vector if kEndsInHalf. If kReadsAhead, the rows of
// a that are needed next are asked for.
template <class T, int U, int G, bool kEndsInHalf, bool kReadsAhead = false>
FASTNN_INLINE void gradient_tile(std::size_t rows, Matrix<const T> a, Matrix<const T> b, GradientPlace<T> to,
                                 std::size_t first, std::size_t width, std::ptrdiff_t last_row, bool adds) {
  constexpr int V = kPanelVectors<T>;
  constexpr int W = G * V;
  Vector<T> sums[U][W] = {};
  const T* splatted = a.data + first;
  const T* vectors = b.data;
  for (std::size_t r = 0; r < rows; ++r) {
    if constexpr (kReadsAhead) __builtin_prefetch(splatted + kInputRowsAhead * a.stride + U - 1);
    Vector<T> v[W];
#pragma GCC unroll 32
    for (int w = 0; w < W; ++w) {
      v[w] = load(vectors + w * kLanes<T>);
      if constexpr (U > 1) keep(v[w]);
    }
#pragma GCC unroll 32
    for (int u = 0; u < U; ++u) {
      const Vector<T> factor = splat(splatted[u]);
#pragma GCC unroll 32
      for (int w = 0; w < W; ++w)
        sums[u][w] =
            kEndsInHalf && w == W - 1 ? fma_of_half<T>(factor, v[w], sums[u][w]) : fma(factor, v[w], sums[u][w]);
    }
    splatted += a.stride;
    vectors += b.stride;
  }
#pragma GCC unroll 32
  for (int g = 0; g < G; ++g) {
    const bool is_last = g == G - 1;
    T* const panel = to.data + g * to.panel + stride(first) * (is_last ? last_row : to.row);
#pragma GCC unroll 32
    for (int u = 0; u < U; ++u)
#pragma GCC unroll 8
      for (int v = 0; v < V; ++v) {
        Vector<T>& sum = sums[u][g * V + v];
        T* place = panel + u * (is_last ? last_row : to.row) + v * kLanes<T>;
        if (adds) sum = load(place) + sum;
        if (!is_last || width == kPanelUnits<T>)
          store(place, sum);
        else if (width > static_cast<std::size_t>(v * kLanes<T>))
          store_first(place, sum, width - v * kLanes<T> < kLanes<T> ? width - v * kLanes<T> : kLanes<T>);
      }
  }
}

template <class T>
void gradient(std::size_t rows, Matrix<const T> a, std::size_t a_columns, Matrix<const T> b, std::size_t b_columns,
              GradientPlace<T> to, bool adds) {
  constexpr std::size_t P = kPanelUnits<T>;
  constexpr int V = kPanelVectors<T>, kRows = kMostRows<1, V>;
  const std::size_t end = (b_columns + P - 1) / P;
  const std::size_t most = most_panels<T, 1, V>(static_cast<int>(first_share(a_columns, kRows)), true);
  for (std::size_t panel = 0, panels; panel < end; panel += panels) {
    panels = first_share(end - panel, most);
    const bool ends = panel + panels == end;
    const std::size_t width = ends ? b_columns - (end - 1) * P : P;
    const std::ptrdiff_t last_row = ends ? to.last_row : to.row;
    const GradientPlace<T> place = {to.data + stride(panel) * to.panel, to.panel, to.row, to.last_row};
    for (std::size_t i = 0, count; i < a_columns; i += count) {
      count = first_share(a_columns - i, kRows);
      with_constant<kRows>(count, [&](auto u) FASTNN_INLINE_LAMBDA {
        constexpr int U = decltype(u)::value;
        with_constant<most_panels<T, 1, V>(U, true)>(panels, [&](auto g) FASTNN_INLINE_LAMBDA {
          with_half<T>(width, [&](auto half) FASTNN_INLINE_LAMBDA {
            constexpr int G = decltype(g)::value;
            constexpr bool kHalf = decltype(half)::value;
            const Matrix<const T> of_panel{b.data + panel * P, b.stride};
            if constexpr (4 * U * G * V >= 3 * kSums)  // smaller tiles have few fmas for one load more
              if (rows >= kManyRows)
                return gradient_tile<T, U, G, kHalf, true>(rows, a, of_panel, place, i, width, last_row, adds);
            gradient_tile<T, U, G, kHalf>(rows, a, of_panel, place, i, width, last_row, adds);
          });
        });
      });
    }
  }
}

// The sums of W vectors of columns, so that an addition need not wait for the one before.
template <class T, int W, bool kProducts>
FASTNN_INLINE void column_sums_of(std::size_t rows, Matrix<const T> a, Matrix<const T> b, T* to, bool adds) {
  Vector<T> sums[W] = {};
  for (std::size_t r = 0; r < rows; ++r)
#pragma GCC unroll 4
    for (int w = 0; w < W; ++w) {
      const Vector<T> numbers = load(b.data + stride(r) * b.stride + w * kLanes<T>);
      if constexpr (kProducts)
        sums[w] = fma(load(a.data + stride(r) * a.stride + w * kLanes<T>), numbers, sums[w]);
      else
        sums[w] = sums[w] + numbers;
    }
#pragma GCC unroll 4
  for (int w = 0; w < W; ++w) store(to + w * kLanes<T>, adds ? load(to + w * kLanes<T>) + sums[w] : sums[w]);
}

// to[j] = sum over rows of b[r][j], or of a[r][j] · b[r][j] unless a is null; increased by it if `adds`.
template <class T>
void column_sums(std::size_t rows, Matrix<const T> a, Matrix<const T> b, std::size_t columns, T* to, bool adds) {
  const std::size_t end = (columns + kLanes<T> - 1) / kLanes<T>;
  for (std::size_t vector = 0, count; vector < end; vector += count) {
    count = first_share(end - vector, 4);
    const std::size_t j = vector * kLanes<T>;
    with_constant<4>(count, [&](auto w) FASTNN_INLINE_LAMBDA {
      constexpr int W = decltype(w)::value;
      if (a.data == nullptr)
        column_sums_of<T, W, false>(rows, a, {b.data + j, b.stride}, to + j, adds);
      else
        column_sums_of<T, W, true>(rows, {a.data + j, a.stride}, {b.data + j, b.stride}, to + j, adds);
    });
  }
}

// to[r][j] += a[r][j] · factors[j].
template <class T>
void add_scaled(std::size_t rows, std::size_t columns, Matrix<const T> a, const T* factors, Matrix<T> to) {
  for (std::size_t r = 0; r < rows; ++r)
    for (std::size_t j = 0; j < columns; j += kLanes<T>) {
      T* place = to.data + stride(r) * to.stride + j;
      store(place, fma(load(a.data + stride(r) * a.stride + j), load(factors + j), load(place)));
    }
}

}  // namespace
}  // namespace fastnn::FASTNN_ISA
