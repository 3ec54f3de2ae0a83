// Applies layers and activations that need all units of a row at once to a block, in place.
#pragma once

#include "../core/kernel_table.hpp"
#include "elementwise.hpp"
#include "whole_rows.hpp"

namespace fastnn::FASTNN_ISA {
namespace {

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
