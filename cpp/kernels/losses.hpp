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

// The loss and the delta of one row, for a loss that is a mean over units (kl_divergence: a sum).
template <Loss kLoss, class T>
T unit_loss_row(const LossRowOf<T>& row) {
  constexpr bool kMean = kLoss != Loss::kl_divergence;
  const T divisor = kMean ? static_cast<T>(row.units) : T{1};
  const Vector<T> factor = splat(row.scale / divisor);
  ChainSum<T> sum(row.units);
  for (std::size_t n = 0; n < row.units; n += kLanes<T>) {
    UnitLoss<T> unit;
    if constexpr (is_binary_loss(kLoss))
      unit = binary_loss<kLoss, T>(row, n);
    else
      unit = unit_loss<kLoss, T>(row.target(n), load(row.predictions + n), row.parameters);
    sum.add(n, unit.loss);
    row.set_delta(n, unit.slope * factor);
  }
  return sum.total()[0] / divisor;
}

template <Loss kLoss, class T>
void loss_rows(const LossCall<T>& call) {
  if constexpr (kLoss == Loss::sparse_categorical_crossentropy)
    if (call.sums.data != nullptr || LossRowOf<T>::has_logits(call)) return sparse_losses_of_sums<T>(call);
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
