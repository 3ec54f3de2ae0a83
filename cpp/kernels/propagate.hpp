// Deltas of the inputs of a Dense from those of its outputs, to = d · W^T, with rows in lanes: the weights are splatted
// where they lie, so that not the kernel but the deltas of few rows are transposed.
#pragma once

#include "../core/kernel_table.hpp"
#include "shapes.hpp"
#include "simd.hpp"
#include "sums.hpp"

namespace fastnn::FASTNN_ISA {
namespace {

// squares[v][first + u] = sum over the units n of W[input + u][n] · d[n], for V vectors of rows, in C chains as in
// tile.hpp.
template <class T, int C, int U, int V>
FASTNN_INLINE void propagate_tile(const PackedLayer<T>& layer, std::size_t input, const T* d,
                                  Vector<T> (&squares)[V][kPanelUnits<T>], std::size_t first) {
  constexpr std::size_t P = kPanelUnits<T>;
  Vector<T> sums[U][V][C] = {};
  const auto step = [&](const T* weights, std::size_t width, int c) FASTNN_INLINE_LAMBDA {
    Vector<T> rows[V];
#pragma GCC unroll 3
    for (int v = 0; v < V; ++v) {
      rows[v] = load(d + static_cast<std::size_t>(v) * P * layer.units);
      keep(rows[v]);
    }
    d += P;
#pragma GCC unroll 16
    for (int u = 0; u < U; ++u) {
      const Vector<T> weight = splat(weights[static_cast<std::size_t>(u) * width]);
#pragma GCC unroll 3
      for (int v = 0; v < V; ++v) sums[u][v][c] = fma(weight, rows[v], sums[u][v][c]);
    }
  };
  const T* panel = layer.kernel + input * P;
  std::size_t unit = 0;
  for (; unit + P <= layer.units; unit += P, panel += P * layer.inputs) {
#pragma GCC unroll 16
    for (int u = 0; u < U; ++u) __builtin_prefetch(panel + P * layer.inputs + static_cast<std::size_t>(u) * P);
    for (std::size_t k = 0; k < P; k += 4)
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) step(panel + k + i, P, i % C);
  }
  const std::size_t width = layer.units - unit;
  const T* weights = layer.kernel + unit * layer.inputs + input * width;
  for (std::size_t k = 0; k + C <= width; k += C)
#pragma GCC unroll 2
    for (int c = 0; c < C; ++c) step(weights++, width, c);
  if (C > 1 && width % C != 0) step(weights, width, 0);
#pragma GCC unroll 16
  for (int u = 0; u < U; ++u)
#pragma GCC unroll 3
    for (int v = 0; v < V; ++v) squares[v][first + u] = sum_by_halves<C>(sums[u][v]);
}

template <class T, int C, int V>
void propagate_vectors(const PackedLayer<T>& layer, Range inputs, std::size_t rows, const T* d, Matrix<T> to) {
  constexpr std::size_t P = kPanelUnits<T>;
  Vector<T> squares[V][P] = {};
  for (std::size_t input = inputs.first; input < inputs.last; input += P) {
    const std::size_t width = inputs.last - input < P ? inputs.last - input : P;
    for (std::size_t i = 0, done; i < width; i += done)
      with_power_of_2<kMostUnits<T, C, V>>(width - i, [&](auto u) FASTNN_INLINE_LAMBDA {
        constexpr int U = decltype(u)::value;
        propagate_tile<T, C, U, V>(layer, input + i, d, squares, i);
        done = U;
      });
    for (std::size_t row = 0; row < rows; row += P) {
      Vector<T>(&square)[P] = squares[row / P];
      transpose<T>(square);
      const std::size_t count = rows - row < P ? rows - row : P;
      for (std::size_t r = 0; r < count; ++r) store(to.data + stride(row + r) * to.stride + input, square[r]);
    }
  }
}

// Transposes a panel of rows: number n of the rows goes to to[n · panel]. Rows beyond the last are the last again, and
// numbers beyond the last are written too.
template <class T>
void transpose_rows(Matrix<const T> rows, std::size_t count, std::size_t columns, T* to) {
  constexpr std::size_t P = kPanelUnits<T>;
  for (std::size_t column = 0; column < columns; column += P) {
    Vector<T> square[P];
#pragma GCC unroll 16
    for (std::size_t r = 0; r < P; ++r)
      square[r] = load(rows.data + stride(r < count ? r : count - 1) * rows.stride + column);
    transpose<T>(square);
#pragma GCC unroll 16
    for (std::size_t c = 0; c < P; ++c) store(to + (column + c) * P, square[c]);
  }
}

template <class T, int C>
void propagate_chains(const PackedLayer<T>& layer, Range inputs, std::size_t rows, Matrix<const T> d, T* transposed,
                      Matrix<T> to) {
  constexpr std::size_t P = kPanelUnits<T>;
  static_assert(kMostVectors<C> <= kMostPanelsOfRows && kShapedChains<C> == C);
  for (std::size_t row = 0, vectors; row < rows; row += vectors * P) {
    vectors = first_share((rows - row + P - 1) / P, kMostVectors<C>);
    const std::size_t count = rows - row < vectors * P ? rows - row : vectors * P;
    for (std::size_t r = 0; r < count; r += P)
      transpose_rows<T>({d.data + stride(row + r) * d.stride, d.stride}, count - r, layer.units,
                        transposed + r * layer.units);
    with_constant<kMostVectors<C>>(vectors, [&](auto v) FASTNN_INLINE_LAMBDA {
      propagate_vectors<T, C, decltype(v)::value>(layer, inputs, count, transposed,
                                                  {to.data + stride(row) * to.stride, to.stride});
    });
  }
}

template <class T>
void propagate_some(const PackedLayer<T>& layer, Range inputs, std::size_t rows, Matrix<const T> d, T* transposed,
                    Matrix<T> to) {
  if (chains_of(layer.inputs) == 1)
    propagate_chains<T, 1>(layer, inputs, rows, d, transposed, to);
  else
    propagate_chains<T, 2>(layer, inputs, rows, d, transposed, to);
}

// Null where a vector is less than a panel: a square of sums would not be one panel wide.
template <class T>
constexpr auto propagate_or_null() {
  decltype(Kernels<T>::propagate) kernel = nullptr;
  if constexpr (kPanelVectors<T> == 1) kernel = propagate_some<T>;
  return kernel;
}

}  // namespace
}  // namespace fastnn::FASTNN_ISA
