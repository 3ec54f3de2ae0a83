// Computes y = activation(x · W + b) for a range of units of a layer and all rows of a block. The loops here choose
// tiles; tile.hpp computes them. Tile sizes are template parameters, so every remainder is a smaller tile, not a loop.
#pragma once

#include "../core/kernel_table.hpp"
#include "dots.hpp"
#include "fours.hpp"
#include "shapes.hpp"
#include "sums.hpp"
#include "tile.hpp"

namespace fastnn::FASTNN_ISA {
namespace {

// relu is a maximum with a threshold, which a tile applies at no cost. For other activations the threshold is -inf.
template <class T>
T threshold_of(Activation activation) {
  return activation == Activation::relu ? T{0} : -kInfinity<T>;
}

// Fewer than 4 units, from rows that lie side by side; y may have either layout.
template <class T>
void dots_units_in_lanes(const PackedLayer<T>& layer, const Block<const T>& x, const Block<T>& y) {
  with_constant<3>(layer.units, [&](auto u) FASTNN_INLINE_LAMBDA {
    dots_of_rows<T, decltype(u)::value>(layer, x, y, threshold_of<T>(layer.activation));
  });
}

static_assert(kMostInputsOfAnswers <= kMostSteps);  // so that answers have one slice

// Runs all rows over a slice of the inputs of a few panels, then over the next slice, so that weights come from a far
// cache level only once. Between slices the sums are stored in y, which is exact. V is the number of vectors of a panel
// that have units.
template <class T, int C, int V, int kAtOnce>
void units_in_lanes(const PackedLayer<T>& layer, const Block<const T>& x, const Block<T>& y, Range units) {
  constexpr std::size_t P = kPanelUnits<T>;
  constexpr int kRows = kMostRows<C, V, kAtOnce>;
  const T threshold = threshold_of<T>(layer.activation);
  const int rows_of_tile = static_cast<int>(first_share(x.rows, kRows));
  const std::size_t most = most_panels<T, C, V, kAtOnce>(rows_of_tile, layer.inputs <= kMostSteps);
  const std::size_t end = (units.last + P - 1) / P;
  const bool is_far = x.rows > kRows && layer.inputs * layer.units * sizeof(T) >= kFarBytes;
  for (std::size_t panel = units.first / P, panels; panel < end; panel += panels) {
    panels = first_share(end - panel, most);
    const std::size_t last = panel + panels - 1;
    const std::size_t last_width = layer.units - last * P < P ? layer.units - last * P : P;
    for (std::size_t k = 0, steps; k < layer.inputs; k += steps) {
      steps = C > 1 || x.rows <= kRows ? layer.inputs : first_share(layer.inputs - k, kMostSteps);
      const bool ends = k + steps == layer.inputs;
      for (std::size_t row = 0, rows; row < x.rows; row += rows) {
        rows = first_share(x.rows - row, kRows);
        const Operands<T> o = {x.data + stride(row) * x.row_stride + stride(k),
                               1,
                               x.row_stride,
                               layer.kernel + panel * P * layer.inputs + k * P,
                               stride(P),
                               stride(P * layer.inputs),
                               layer.kernel + last * P * layer.inputs + k * last_width,
                               stride(last_width),
                               ends ? stride(panels * P * layer.inputs) - stride(k * P) : stride(steps * P)};
        T* to = y.data + stride(row) * y.row_stride + stride(panel * P);
        const Sums<T> s = {k == 0 ? layer.of_units[0] + panel * P : to,
                           k == 0 ? 0 : y.row_stride,
                           to,
                           y.row_stride,
                           ends ? threshold : -kInfinity<T>,
                           y.are_answers ? last_width : 0};
        with_constant<kRows>(rows, [&](auto u) FASTNN_INLINE_LAMBDA {
          constexpr int U = decltype(u)::value;
          with_constant<most_panels<T, C, V, kAtOnce>(U, true)>(panels, [&](auto g) FASTNN_INLINE_LAMBDA {
            with_half<T>(last_width, [&](auto half) FASTNN_INLINE_LAMBDA {
              constexpr int G = decltype(g)::value;
              constexpr bool kHalf = decltype(half)::value;
              if constexpr (C == 1 && 2 * U >= kRows)  // smaller tiles are never the last of several
                if (is_far && row + rows == x.rows)    // once for all tiles of rows
                  return tile<T, Lanes::units, C, U, G, V, kHalf, true>(steps, o, s);
              tile<T, Lanes::units, C, U, G, V, kHalf>(steps, o, s);
            });
          });
        });
      }
    }
  }
}

template <class T, int C, int V>
void dense_units_in_lanes(const PackedLayer<T>& layer, const Block<const T>& x, const Block<T>& y, Range units) {
  if constexpr (kHasPairs<C, V>)
    if (has_paired_units(x.rows, layer.inputs)) return units_in_lanes<T, C, V, 2>(layer, x, y, units);
  units_in_lanes<T, C, V, kShapedChains<C>>(layer, x, y, units);
}

// Returns whether the last of a layer's panels has two vectors, and units in the first alone.
template <class T>
bool ends_in_one_vector(std::size_t units) {
  const std::size_t in_last = units % kPanelUnits<T>;
  return kPanelVectors<T> == 2 && in_last > 0 && in_last <= kLanes<T>;
}

// Leaves out the second vector of a last panel that has units in the first alone, if there are rows enough. Rows take
// turns (turns_of).
template <class T, int C>
void dense_of_panels(const PackedLayer<T>& layer, const Block<const T>& x, const Block<T>& y, Range units) {
  std::size_t whole = units.last;
  if (units.last == layer.units && x.rows >= kFewestRowsOfHalf && ends_in_one_vector<T>(layer.units))
    whole = units.last / kPanelUnits<T> * kPanelUnits<T>;
  constexpr std::size_t kRows = kMostRows<C, kPanelVectors<T>>;
  std::size_t tiles = (x.rows + kRows - 1) / kRows;
  std::size_t turns = turns_of<T, C>(tiles, layer.inputs);
  for (std::size_t row = 0, rows; row < x.rows; row += rows, --turns) {
    const std::size_t here = turns == 1 ? tiles : (tiles + turns - 1) / turns;
    tiles -= here;
    rows = min(x.rows - row, here * kRows);
    const Block<const T> x_here = {x.data + stride(row) * x.row_stride, rows, x.row_stride, x.column_stride};
    const Block<T> y_here = {y.data + stride(row) * y.row_stride, rows, y.row_stride, y.column_stride, y.are_answers};
    if (units.first < whole) dense_units_in_lanes<T, C, kPanelVectors<T>>(layer, x_here, y_here, {units.first, whole});
    if constexpr (kPanelVectors<T> == 2)
      if (whole < units.last) dense_units_in_lanes<T, C, 1>(layer, x_here, y_here, {whole, units.last});
  }
}

// A layer with 4 chains. Its 4 to 16 units may fill only some vectors of a panel, so tiles leave out the others.
template <class T>
void dense_of_few_units(const PackedLayer<T>& layer, Block<const T> x, Block<T> y, Range units) {
  const std::size_t done = dense_by_fours(layer, x, y, threshold_of<T>(layer.activation));
  if (done == x.rows) return;
  x.data += stride(done) * x.row_stride;
  y.data += stride(done) * y.row_stride;
  x.rows -= done;
  with_constant<kPanelVectors<T>>((layer.units + kLanes<T> - 1) / kLanes<T>, [&](auto v) FASTNN_INLINE_LAMBDA {
    dense_units_in_lanes<T, 4, decltype(v)::value>(layer, x, y, units);
  });
}

// Computes V vectors of rows. Each tile takes as many units of a panel as it has room for.
template <class T, int C, int V, int kAtOnce>
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
    with_power_of_2<kMostUnits<T, C, V, kAtOnce>>(first + width - unit, [&](auto u) FASTNN_INLINE_LAMBDA {
      constexpr int U = decltype(u)::value;
      tile<T, Lanes::rows, C, U, 1, V, false>(layer.inputs, o, s);
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
      constexpr int V = decltype(v)::value;
      if constexpr (kHasPairs<C, V>)
        if (layer.inputs <= kMostInputsOfPairedRows) return rows_in_lanes<T, C, V, 2>(layer, x, y, row, units);
      rows_in_lanes<T, C, V, kShapedChains<C>>(layer, x, y, row, units);
    });
  }
}

}  // namespace
}  // namespace fastnn::FASTNN_ISA
