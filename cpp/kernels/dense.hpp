// Computes y = activation(x · W + b) for a range of units of a layer and all rows of a block. The loops here choose
// tiles; tile.hpp computes them. Tile sizes are template parameters, so every remainder is a smaller tile, not a loop.
#pragma once

#include "../core/kernel_table.hpp"
#include "shapes.hpp"
#include "sums.hpp"
#include "tile.hpp"

namespace fastnn::FASTNN_ISA {
namespace {

template <int n>
struct Constant {
  static constexpr int value = n;
};

// Calls body(Constant<n>) for a run-time n from 1 to most.
template <int most, class Body>
FASTNN_INLINE void with_constant(std::size_t n, Body body) {
  if constexpr (most > 1)
    if (n < most) return with_constant<most - 1>(n, body);
  body(Constant<most>{});
}

// Calls body(Constant<p>) for the largest power of two p <= min(n, most); `most` is a power of two.
template <int most, class Body>
FASTNN_INLINE void with_power_of_2(std::size_t n, Body body) {
  if constexpr (most > 1)
    if (n < most) return with_power_of_2<most / 2>(n, body);
  body(Constant<most>{});
}

// Splits n evenly into as few pieces of at most `most` as possible, and returns the size of the first.
constexpr std::size_t first_share(std::size_t n, std::size_t most) {
  const std::size_t shares = (n - 1) / most + 1;
  return (n + shares - 1) / shares;
}

// relu is a maximum with a threshold, which a tile applies at no cost. For other activations the threshold is -inf.
template <class T>
T threshold_of(Activation activation) {
  return activation == Activation::relu ? T{0} : -kInfinity<T>;
}

// The sum of one unit for one row, for layers with fewer than 4 units. Its 16 chains lie in lanes, so one iteration
// takes 16 inputs. In the last iteration the weights are padded with -0 and the inputs with 0: their product -0 changes
// no sum, not even a sum of -0.
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
      const T sum = dot(layer.inputs, x.data + stride(r) * x.row_stride, layer.kernel + n * pad_to_chains(layer.inputs),
                        layer.of_units[0][n]);
      y.data[stride(r) * y.row_stride + stride(n)] = sum < threshold ? threshold : sum;
    }
}

// Runs all rows over a slice of the inputs of a few panels, then over the next slice, so that weights come from a far
// cache level only once. Between slices the sums are stored in y, which is exact.
template <class T, int C>
void dense_units_in_lanes(const PackedLayer<T>& layer, const Block<const T>& x, const Block<T>& y, Range units) {
  constexpr std::size_t P = kPanelUnits<T>;
  constexpr int V = static_cast<int>(P) / kLanes<T>;
  const T threshold = threshold_of<T>(layer.activation);
  const int rows_of_tile = static_cast<int>(first_share(x.rows, kMostRows<T, C>));
  const std::size_t most = most_panels<T, C>(rows_of_tile, layer.inputs <= kMostSteps);
  const std::size_t end = (units.last + P - 1) / P;
  for (std::size_t panel = units.first / P, panels; panel < end; panel += panels) {
    panels = first_share(end - panel, most);
    const std::size_t last = panel + panels - 1;
    const std::size_t last_width = layer.units - last * P < P ? layer.units - last * P : P;
    for (std::size_t k = 0, steps; k < layer.inputs; k += steps) {
      steps = C > 1 || x.rows <= kMostRows<T, C> ? layer.inputs : first_share(layer.inputs - k, kMostSteps);
      const bool ends = k + steps == layer.inputs;
      for (std::size_t row = 0, rows; row < x.rows; row += rows) {
        rows = first_share(x.rows - row, kMostRows<T, C>);
        const Operands<T> o = {x.data + stride(row) * x.row_stride + stride(k),
                               1,
                               x.row_stride,
                               layer.kernel + panel * P * layer.inputs + k * P,
                               stride(P),
                               stride(P * layer.inputs),
                               layer.kernel + last * P * layer.inputs + k * last_width,
                               stride(last_width)};
        T* to = y.data + stride(row) * y.row_stride + stride(panel * P);
        const Sums<T> s = {k == 0 ? layer.of_units[0] + panel * P : to, k == 0 ? 0 : y.row_stride, to, y.row_stride,
                           ends ? threshold : -kInfinity<T>};
        with_constant<kMostRows<T, C>>(rows, [&](auto u) FASTNN_INLINE_LAMBDA {
          constexpr int U = decltype(u)::value;
          with_constant<most_panels<T, C>(U, true)>(panels, [&](auto g) FASTNN_INLINE_LAMBDA {
            tile<T, Lanes::units, C, U, decltype(g)::value, V>(steps, o, s);
          });
        });
      }
    }
  }
}

// Computes V vectors of rows. Each tile takes as many units of a panel as it has room for.
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
        by_unit ? layer.kernel + unit * padded : layer.kernel + first * layer.inputs + (unit - first),
        by_unit ? 1 : stride(width),
        by_unit ? stride(padded) : 1,
        nullptr,
        0,
        0,
        x.data + row,
        x.column_stride};
    const Sums<T> s = {layer.of_units[0] + unit, 0, y.data + row + stride(unit) * y.column_stride, y.column_stride,
                       threshold};
    with_power_of_2<kMostUnits<T, C, V>>(first + width - unit, [&](auto u) FASTNN_INLINE_LAMBDA {
      constexpr int U = decltype(u)::value;
      tile<T, Lanes::rows, C, U, 1, V>(layer.inputs, o, s);
      done = U;
    });
  }
}

// Splits the vectors of rows of a block evenly into tiles.
template <class T, int C>
void dense_rows_in_lanes(const PackedLayer<T>& layer, const Block<const T>& x, const Block<T>& y, Range units) {
  for (std::size_t row = 0, vectors; row < x.rows; row += vectors * kLanes<T>) {
    vectors = first_share((x.rows - row + kLanes<T> - 1) / kLanes<T>, kMostVectors<C>);
    with_constant<kMostVectors<C>>(vectors, [&](auto v) FASTNN_INLINE_LAMBDA {
      rows_in_lanes<T, C, decltype(v)::value>(layer, x, y, row, units);
    });
  }
}

}  // namespace
}  // namespace fastnn::FASTNN_ISA
