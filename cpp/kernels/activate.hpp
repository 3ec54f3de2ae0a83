// Applies a layer's activation to a block, in place. Element-wise ones run over the scratch memory as it lies, padding
// included: computing on padding is cheaper than a remainder loop, and nothing reads the result.
#pragma once

#include <utility>

#include "../core/kernel_table.hpp"
#include "activations.hpp"
#include "whole_rows.hpp"

namespace fastnn::FASTNN_ISA {
namespace {

constexpr auto kActivationNumbers = std::make_integer_sequence<int, kActivationCount>{};

// Rounds `elements` up to full vectors, which is safe because scratch memory is padded.
template <Activation kActivation, class T>
void map(T* data, std::size_t elements, T a, T b) {
  for (std::size_t i = 0; i < elements; i += kLanes<T>)
    store(data + i, activated<kActivation, T>(load(data + i), a, b));
}

template <class T, int... number>
void activate_elements(const PackedLayer<T>& layer, T* data, std::size_t elements,
                       std::integer_sequence<int, number...>) {
  using Map = void (*)(T*, std::size_t, T, T);
  static constexpr Map kMaps[] = {map<static_cast<Activation>(number), T>...};
  kMaps[static_cast<int>(layer.activation)](data, elements, layer.parameters[0], layer.parameters[1]);
}

template <class T>
void activate(const PackedLayer<T>& layer, const Block<T>& y, Range units) {
  if (layer.activation == Activation::linear || takes_whole_rows(layer.activation)) return;
  if (y.column_stride == 1) {
    for (std::size_t r = 0; r < y.rows; ++r)
      activate_elements(layer, y.data + stride(r) * y.row_stride + units.first, units.last - units.first,
                        kActivationNumbers);
  } else {
    const auto column = static_cast<std::size_t>(y.column_stride);
    activate_elements(layer, y.data + units.first * column, (units.last - units.first) * column, kActivationNumbers);
  }
}

template <Activation kActivation, class T, class Row>
FASTNN_INLINE void activate_row(const Row& row) {
  if constexpr (kActivation == Activation::softmax)
    softmax<T>(row);
  else if constexpr (kActivation == Activation::log_softmax)
    log_softmax<T>(row);
  else
    static_assert(!takes_whole_rows(kActivation), "expected a call of the activation's function of whole rows");
}

template <class T, class Row, int... number>
void activate_row(Activation activation, const Row& row, std::integer_sequence<int, number...>) {
  ((static_cast<int>(activation) == number ? activate_row<static_cast<Activation>(number), T>(row) : void()), ...);
}

template <class T, class Row>
void whole_row(const PackedLayer<T>& layer, const Row& row) {
  const auto& w = layer.of_units;
  switch (layer.kind) {
    case LayerKind::prelu: return prelu<T>(row, w[0]);
    case LayerKind::affine: return affine<T>(row, w[0], w[1]);
    case LayerKind::layer_normalization: return layer_normalization<T>(row, layer.parameters[0], w[0], w[1]);
    case LayerKind::batch_normalization:
      return batch_normalization<T>(row, layer.parameters[0], w[0], w[1], w[2], w[3]);
    default: activate_row<T>(layer.activation, row, kActivationNumbers);
  }
}

template <class T>
void whole_rows(const PackedLayer<T>& layer, const Block<T>& y) {
  if (y.column_stride == 1)
    for (std::size_t r = 0; r < y.rows; ++r)
      whole_row<T>(layer, UnitsInLanes<T>{y.data + stride(r) * y.row_stride, layer.units});
  else
    for (std::size_t r = 0; r < y.rows; r += kLanes<T>)
      whole_row<T>(layer, RowsInLanes<T>{y.data + r, layer.units, y.column_stride});
}

}  // namespace
}  // namespace fastnn::FASTNN_ISA
