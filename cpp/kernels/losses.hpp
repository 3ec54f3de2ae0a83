// Losses of rows and their gradients, the deltas. A loss of single units is a formula in unit_losses.hpp; the binary
// crossentropies are in binary_losses.hpp, and losses that need the whole row in class_losses.hpp. Sums over units have
// 16 chains (docs/numerics.md, "Training").
#pragma once

#include "binary_losses.hpp"
#include "class_losses.hpp"
#include "loss_rows.hpp"
#include "unit_losses.hpp"

namespace fastnn::FASTNN_ISA {
namespace {

template <Loss kLoss, class T>
FASTNN_INLINE UnitLoss<T> loss_of_units(const LossRowOf<T>& row, std::size_t n) {
  if constexpr (is_binary_loss(kLoss))
    return binary_loss<kLoss, T>(row, n);
  else
    return unit_loss<kLoss, T>(row.target(n), load(row.predictions + n), row.parameters);
}

// The loss and the delta of one row, for a loss that is a mean over units (kl_divergence: a sum).
template <Loss kLoss, class T>
T unit_loss_row(const LossRowOf<T>& row) {
  constexpr bool kMean = kLoss != Loss::kl_divergence;
  const T divisor = kMean ? static_cast<T>(row.units) : T{1};
  const Vector<T> factor = splat(row.scale / divisor);
  ChainSum<T> sum(row.units);
  for (std::size_t n = 0; n < row.units; n += kLanes<T>) {
    const UnitLoss<T> unit = loss_of_units<kLoss, T>(row, n);
    sum.add(n, unit.loss);
    row.set_delta(n, unit.slope * factor);
  }
  return sum.total()[0] / divisor;
}

// Losses of single units with one unit: rows lie in lanes, as if they were units of one row.
template <Loss kLoss, class T>
void losses_of_one_unit(const LossCall<T>& call) {
  constexpr std::size_t L = kLanes<T>;
  LossCall<T> lanes = call;
  T predictions[L] = {}, sums[L] = {}, deltas[L];
  lanes.target_column_stride = call.target_row_stride;
  lanes.predictions = {predictions, 0};
  if (call.sums.data != nullptr) lanes.sums = {sums, 0};
  if (call.delta.data != nullptr) lanes.delta = {deltas, 0};
  for (std::size_t r = 0; r < call.rows; r += L) {
    lanes.units = min(call.rows - r, L);
    lanes.targets = call.targets + stride(r) * call.target_row_stride;
    const auto each = [&](auto body) FASTNN_INLINE_LAMBDA {
      for (std::size_t i = 0; i < lanes.units; ++i) body(i, stride(r + i));
    };
    each([&](std::size_t i, std::ptrdiff_t row) FASTNN_INLINE_LAMBDA {
      predictions[i] = call.predictions.data[row * call.predictions.stride];
      if (call.sums.data != nullptr) sums[i] = call.sums.data[row * call.sums.stride];
    });
    const LossRowOf<T> row(lanes, 0);
    const UnitLoss<T> unit = loss_of_units<kLoss, T>(row, 0);
    const Vector<T> loss = Vector<T>{} + unit.loss;  // the other chains add 0, which makes -0 to 0
    store_first(call.row_losses + r, loss == loss ? loss : splat(kNaN<T>), lanes.units);
    if (call.delta.data == nullptr) continue;
    row.set_delta(0, call.scales == nullptr ? unit.slope : unit.slope * load_first(call.scales + r, lanes.units));
    each([&](std::size_t i, std::ptrdiff_t row)
             FASTNN_INLINE_LAMBDA { call.delta.data[row * call.delta.stride] = deltas[i]; });
  }
}

template <Loss kLoss, class T>
void loss_rows(const LossCall<T>& call) {
  if constexpr (kLoss == Loss::sparse_categorical_crossentropy)
    if (call.sums.data != nullptr || LossRowOf<T>::has_logits(call)) return sparse_losses_of_sums<T>(call);
  if constexpr (!needs_whole_row(kLoss))
    if (call.units == 1 && call.rows > 1) return losses_of_one_unit<kLoss, T>(call);
  for (std::size_t r = 0; r < call.rows; ++r) {
    const LossRowOf<T> row(call, r);
    T loss;
    if constexpr (needs_whole_row(kLoss))
      loss = whole_row_loss<kLoss, T>(row);
    else
      loss = unit_loss_row<kLoss, T>(row);
    call.row_losses[r] = loss == loss ? loss : kNaN<T>;
  }
}

template <class T, int... number>
void loss_of(const LossCall<T>& call, std::integer_sequence<int, number...>) {
  using Rows = void (*)(const LossCall<T>&);
  static constexpr Rows kRows[] = {loss_rows<static_cast<Loss>(number), T>...};
  kRows[static_cast<int>(call.loss)](call);
}

template <class T>
void loss(const LossCall<T>& call) {
  loss_of<T>(call, std::make_integer_sequence<int, kLossCount>{});
}

}  // namespace
}  // namespace fastnn::FASTNN_ISA
