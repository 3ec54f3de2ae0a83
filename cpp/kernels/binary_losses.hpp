// The binary crossentropies: of sums, if these are known, so that nothing saturates; else of probabilities, which are
// limited to [epsilon, 1 - epsilon] as in Keras.
#pragma once

#include "derivatives.hpp"
#include "loss_rows.hpp"
#include "unit_losses.hpp"

namespace fastnn::FASTNN_ISA {
namespace {

constexpr bool is_binary_loss(Loss loss) {
  return loss == Loss::binary_crossentropy || loss == Loss::binary_focal_crossentropy;
}

// A binary crossentropy, with `error`, which is 1 - the probability of the right answer, and its derivative.
template <class T>
struct BinaryLoss {
  Vector<T> loss, slope, error, error_slope;
};

// loss = l + y max(-z, 0) + (1 - y) max(z, 0) with l = log(1 + e^-|z|). slope = sigmoid(z) - y.
template <class T>
FASTNN_INLINE BinaryLoss<T> binary_loss_of_sum(Vector<T> y, Vector<T> z) {
  const Vector<T> zero = {}, one = splat<T>(1);
  const Vector<T> other = one - y;
  const Gate<T> p = gate<T>(z);
  const Vector<T> certain = softplus<T>(minus_absolute<T>(z));
  const Vector<T> loss = fma(other, at_least(zero, z), fma(y, at_least(zero, -z), certain));
  const Vector<T> slope = z < T{0} ? p.open - y : other - p.closed;
  return {loss, slope, fma(y, p.closed, other * p.open), (other - y) * (p.open * p.closed)};
}

// loss = -(y log(q) + (1 - y) log(1 - q)), q = p limited.
template <class T>
FASTNN_INLINE BinaryLoss<T> binary_loss_of_probability(Vector<T> y, Vector<T> p) {
  const Vector<T> one = splat<T>(1);
  const Vector<T> other = one - y;
  const Vector<T> q = clamped<T>(p, kEpsilon<T>, T(1 - 1e-7));
  const Vector<T> loss = -fma(y, log<T>(q), other * log<T>(one - q));
  const Vector<T> slope = other / (one - q) - y / q;
  return {loss, ((p < q) | (p > q)) ? Vector<T>{} : slope, fma(y, one - p, other * p), other - y};
}

// The focal one is w F loss with F = error^gamma; w = alpha y + (1 - alpha) (1 - y), or 1 if alpha is 0.
template <Loss kLoss, class T>
FASTNN_INLINE UnitLoss<T> binary_loss(const LossRowOf<T>& row, std::size_t n) {
  const Vector<T> y = row.smooth_target(n, 2);
  const BinaryLoss<T> plain = row.logits != nullptr ? binary_loss_of_sum<T>(y, load(row.logits + n))
                                                    : binary_loss_of_probability<T>(y, load(row.predictions + n));
  if constexpr (kLoss == Loss::binary_crossentropy) return {plain.loss, plain.slope};
  const T gamma = row.parameters[2], alpha = row.parameters[3];
  const Vector<T> error = at_least(splat(kLeastNormal<T>), plain.error);
  const Vector<T> focus = power<T>(error, gamma);
  const Vector<T> slope = fma(focus, plain.slope, splat(gamma) * (focus / error) * plain.error_slope * plain.loss);
  const Vector<T> weight = alpha == 0 ? splat<T>(1) : fma(y, splat(alpha), (splat<T>(1) - y) * splat(T{1} - alpha));
  return {weight * (focus * plain.loss), weight * slope};
}

}  // namespace
}  // namespace fastnn::FASTNN_ISA
