// Computes a layer with fewer than 4 units, a head, from rows that lie side by side: chains in lanes. A sum's 16 chains
// (docs/numerics.md) are the lanes of a panel, so an fma takes 16 inputs where they lie, and no lane is idle. Sums of
// several rows are added up together, by a transposition of as many as a vector has lanes.
#pragma once

#include "../core/kernel_table.hpp"
#include "shapes.hpp"
#include "sums.hpp"

namespace fastnn::FASTNN_ISA {
namespace {

// Vectors that hold the chains of one sum.
template <class T>
constexpr int kChainVectors = kMostChains / kLanes<T>;

// A group is the rows whose sums of U units fit a vector. It runs kRowsOfDots of them at a time, whose chains fit the
// registers. More than 8 rows would not leave a register for each row's address.
template <class T, int U>
constexpr int kRowsOfVector = power_of_2_up_to(kLanes<T> / U);
template <class T, int U>
constexpr int kRowsOfDots =
    power_of_2_up_to(clamp(kSums / (kChainVectors<T> * U), 1, clamp(kRowsOfVector<T, U>, 1, 8)));

constexpr std::size_t kFewInputs = 32;  // the CPU foresees short rows, and a prefetch takes a load's place

// Returns whether the next rows, of so many bytes, are asked for into level 1. Of 32 KiB (Zen 4), these and the next
// leave some for weights: 518-1 takes 1.24 times as long otherwise. With 48 KiB (Zen 5) more rows than fit are better
// asked for there too: 1000-1 takes 1.46 times as long from level 2.
inline bool next_rows_go_into_level_1(std::size_t bytes, std::size_t level_1_bytes) {
  return bytes <= (level_1_bytes > 32 * 1024 ? std::size_t{40} : 12) * 1024;
}

// Returns vector v of the last `left` numbers of a row, fewer than 16, and 0 where there is none: its product with the
// padding of weights, -0, changes no sum, not even a sum of -0.
template <class T>
FASTNN_INLINE Vector<T> load_chains(const T* from, std::size_t left, int v) {
  const std::size_t before = static_cast<std::size_t>(v) * kLanes<T>;
  return load_first(from + before, left <= before ? 0 : min(left - before, kLanes<T>));
}

// sums[r * U + n] = the chains of row r and unit n, added up by halves until they fit one vector.
template <class T, int R, int U>
FASTNN_INLINE void dots(const PackedLayer<T>& layer, const T* (&x)[R], Vector<T>* sums) {
  constexpr int V = kChainVectors<T>, L = kLanes<T>;
  const std::size_t padded = pad_to_chains(layer.inputs), next = R * layer.inputs;
  Vector<T> chains[R][U][V] = {};
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
    for (int n = 0; n < U; ++n) chains[r][n][0][0] = layer.of_units[0][n];
  const auto add = [&](std::size_t k, auto level, auto in) FASTNN_INLINE_LAMBDA {
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) {
      Vector<T> weights[U];
#pragma GCC unroll 4
      for (int n = 0; n < U; ++n)
        weights[n] = load(layer.kernel + static_cast<std::size_t>(n) * padded + k + static_cast<std::size_t>(v) * L);
#pragma GCC unroll 16
      for (int r = 0; r < R; ++r) {
        Vector<T> numbers = in(x[r] + k, v);
        if constexpr (U > 1) keep(numbers);
        if constexpr (decltype(level)::value > 0) __builtin_prefetch(x[r] + k + next, 0, decltype(level)::value);
#pragma GCC unroll 4
        for (int n = 0; n < U; ++n) chains[r][n][v] = fma(numbers, weights[n], chains[r][n][v]);
      }
    }
  };
  const auto add_all = [&](auto level) FASTNN_INLINE_LAMBDA {
    std::size_t k = 0;
    for (; k + kMostChains <= layer.inputs; k += kMostChains)
      add(k, level, [](const T* from, int v) FASTNN_INLINE_LAMBDA { return load(from + v * L); });
    if (k < layer.inputs)
      add(k, level, [&](const T* from, int v) FASTNN_INLINE_LAMBDA { return load_chains(from, layer.inputs - k, v); });
  };
  // The next R rows, which may come from memory, are asked for.
  if (layer.inputs <= kFewInputs)
    add_all(Constant<0>{});
  else if (next_rows_go_into_level_1(next * sizeof(T), layer.level_1_bytes))
    add_all(Constant<kIntoLevel1>{});
  else
    add_all(Constant<kIntoLevel2>{});
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
    for (int n = 0; n < U; ++n) sums[r * U + n] = sum_by_halves<V>(chains[r][n]);
}

// Adds up the lanes of as many vectors as a vector has lanes: lane i of the result is the sum of vector i. It takes the
// steps of a transposition, and adds what each brings together.
template <class T, int width = kLanes<T> / 2>
FASTNN_INLINE Vector<T> sums_of_lanes(Vector<T> (&sums)[kLanes<T>]) {
#pragma GCC unroll 8
  for (int i = 0; i < width; ++i) {
    swap_squares<width, T>(sums[i], sums[i + width], std::make_integer_sequence<int, kLanes<T>>{});
    sums[i] = sums[i] + sums[i + width];
  }
  if constexpr (width > 1)
    return sums_of_lanes<T, width / 2>(sums);
  else
    return sums[0];
}

// Computes the sums of `count` rows from `row` on, U for each, kRowsOfDots at a time, and calls take(first, sums). If
// fewer rows are left, it computes the last one repeatedly.
template <class T, int U, class Take>
FASTNN_INLINE void for_each_dots(const PackedLayer<T>& layer, const Block<const T>& x, std::size_t row, int count,
                                 const Take& take) {
  constexpr int R = kRowsOfDots<T, U>;
  const std::size_t left = x.rows - row;
  const T *rows = x.data + stride(row) * x.row_stride, *last = rows + stride(left - 1) * x.row_stride;
#pragma GCC unroll 8
  for (int first = 0; first < count; first += R) {
    const T* from[R];
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r)
      from[r] = static_cast<std::size_t>(first + r) < left ? rows + (first + r) * x.row_stride : last;
    Vector<T> sums[R * U];
    dots<T, R, U>(layer, from, sums);
    take(first, sums);
  }
}

// The sums of a group of rows from `row` on, U for each.
template <class T, int U>
FASTNN_INLINE Vector<T> dots_of_group(const PackedLayer<T>& layer, const Block<const T>& x, std::size_t row) {
  Vector<T> sums[kLanes<T>] = {};
  for_each_dots<T, U>(layer, x, row, kRowsOfVector<T, U>, [&](int first, const auto& some) FASTNN_INLINE_LAMBDA {
#pragma GCC unroll 16
    for (int i = 0; i < kRowsOfDots<T, U> * U; ++i) sums[first * U + i] = some[i];
  });
  return sums_of_lanes<T>(sums);
}

// Computes vectors of rows, for a y with rows in lanes: no lane is idle, and whole vectors are stored. A last vector of
// at most three quarters is left. Returns the first row that is left, or one beyond the last. The sums go through
// memory, so few rows take longer.
template <class T, int U>
__attribute__((noinline))  // else calls of few rows would reserve its stack
std::size_t dots_of_vectors(const PackedLayer<T>& layer, const Block<const T>& x, const Block<T>& y, T threshold) {
  constexpr int L = kLanes<T>;
  std::size_t row = 0;
  for (; row < x.rows && x.rows - row > L * 3 / 4; row += L) {
    Vector<T> sums[U][L];
    for_each_dots<T, U>(layer, x, row, L, [&](int first, const auto& some) FASTNN_INLINE_LAMBDA {
#pragma GCC unroll 8
      for (int r = 0; r < kRowsOfDots<T, U>; ++r)
#pragma GCC unroll 4
        for (int n = 0; n < U; ++n) sums[n][first + r] = some[r * U + n];
    });
#pragma GCC unroll 4
    for (int n = 0; n < U; ++n)
      store(y.data + row + n * y.column_stride, at_least(splat(threshold), sums_of_lanes<T>(sums[n])));
  }
  return row;
}

// One row by itself: fewer operations, as its sums are added up lane by lane.
template <class T, int U>
void dots_of_row(const PackedLayer<T>& layer, const T* x, T* y, std::ptrdiff_t y_stride, T threshold) {
  Vector<T> sums[U];
  const T* rows[1] = {x};
  dots<T, 1, U>(layer, rows, sums);
  for (int n = 0; n < U; ++n) {
    T lanes[kLanes<T>];
    store(lanes, sums[n]);
    const T sum = sum_by_halves<kLanes<T>>(lanes);
    y[n * y_stride] = sum < threshold ? threshold : sum;
  }
}

// A group takes as long for few rows as for all of its rows, so up to a quarter of them run one by one.
template <class T, int U>
void dots_of_rows(const PackedLayer<T>& layer, const Block<const T>& x, const Block<T>& y, T threshold) {
  constexpr int G = kRowsOfVector<T, U>;
  std::size_t row = 0;
  if constexpr (U > 1 && kRegisters == 16) {  // not measured with AVX-512
    const bool has_rows_in_lanes = y.row_stride == 1;
    if (has_rows_in_lanes && x.rows >= 4 * kLanes<T>) row = dots_of_vectors<T, U>(layer, x, y, threshold);
  }
  if constexpr (U <= kLanes<T>)
    for (; row < x.rows && x.rows - row > G / 4; row += G) {
      const std::size_t rows = min(G, x.rows - row);
      const Vector<T> group = at_least(splat(threshold), dots_of_group<T, U>(layer, x, row));
      if (y.row_stride == U && (U == 1 || y.column_stride == 1)) {  // the sums lie side by side, as in the group
        if (rows * U == kLanes<T>)
          store(y.data + row * U, group);
        else
          store_first(y.data + row * U, group, rows * U);
        continue;
      }
      T sums[kLanes<T>];
      store(sums, group);
      for (std::size_t r = 0; r < rows; ++r)
        for (std::size_t n = 0; n < U; ++n)
          y.data[stride(row + r) * y.row_stride + stride(n) * y.column_stride] = sums[r * U + n];
    }
  for (; row < x.rows; ++row)
    dots_of_row<T, U>(layer, x.data + stride(row) * x.row_stride, y.data + stride(row) * y.row_stride, y.column_stride,
                      threshold);
}

}  // namespace
}  // namespace fastnn::FASTNN_ISA
