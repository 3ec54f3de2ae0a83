// The losses: the table that the kernels and Python read.
//
// y is a row of targets, p the predictions; a loss is the mean over the row's units, or a sum over classes. The
// formulas are Keras', with epsilon = 1e-7; docs/numerics.md, "Training", has the operations.
#pragma once

#include <cstddef>
#include <cstdint>

#include "fastnn/activation.hpp"

namespace fastnn {

enum class Loss : std::uint8_t {
  mean_squared_error,               // (y - p)²
  mean_absolute_error,              // |y - p|
  mean_absolute_percentage_error,   // 100 |y - p| / max(|y|, epsilon)
  mean_squared_logarithmic_error,   // (log(1 + max(y, epsilon)) - log(1 + max(p, epsilon)))²
  huber,                            // (y - p)² / 2 where |y - p| <= delta, else delta |y - p| - delta² / 2
  log_cosh,                         // log(cosh(p - y))
  binary_crossentropy,              // -y log(p) - (1 - y) log(1 - p)
  binary_focal_crossentropy,        // the same times |y - p|^gamma; times alpha or 1 - alpha, unless alpha is 0
  categorical_crossentropy,         // -sum of y log(p)
  categorical_focal_crossentropy,   // -sum of alpha (1 - p)^gamma y log(p)
  sparse_categorical_crossentropy,  // categorical_crossentropy; y is the number of the one class
  poisson,                          // p - y log(p + epsilon)
  kl_divergence,                    // sum of y log(y / p)
  hinge,                            // max(1 - y p, 0); y is -1 or 1
  squared_hinge,                    // max(1 - y p, 0)²
  categorical_hinge,                // max(1 + largest (1 - y) p - sum of y p, 0)
  quantile,                         // quantile (y - p) where y > p, else (1 - quantile) (p - y)
  cosine_similarity,                // -sum of y p / (|y| |p|), the lengths at least epsilon
  end,                              // no loss: how many there are
};
constexpr int kLossCount = static_cast<int>(Loss::end);
constexpr std::size_t kMostLossParameters = 4;

struct LossRow {
  Loss loss;
  const char* name;
  Activation fused_with;  // the activation whose sums the loss is computed from if they are known; linear: none
  Parameter parameters[kMostLossParameters];
};

constexpr Parameter kFromLogits = {"from_logits", Domain::not_negative, 0};  // 1: the predictions are sums
constexpr Parameter kLabelSmoothing = {"label_smoothing", Domain::fraction, 0};

// from_logits, if a loss has it, is its first parameter, and label_smoothing the second.
constexpr LossRow kLosses[kLossCount] = {
    {Loss::mean_squared_error, "mean_squared_error", Activation::linear, {}},
    {Loss::mean_absolute_error, "mean_absolute_error", Activation::linear, {}},
    {Loss::mean_absolute_percentage_error, "mean_absolute_percentage_error", Activation::linear, {}},
    {Loss::mean_squared_logarithmic_error, "mean_squared_logarithmic_error", Activation::linear, {}},
    {Loss::huber, "huber", Activation::linear, {{"delta", Domain::positive, 1}}},
    {Loss::log_cosh, "log_cosh", Activation::linear, {}},
    {Loss::binary_crossentropy, "binary_crossentropy", Activation::sigmoid, {kFromLogits, kLabelSmoothing}},
    {Loss::binary_focal_crossentropy,
     "binary_focal_crossentropy",
     Activation::sigmoid,
     {kFromLogits, kLabelSmoothing, {"gamma", Domain::not_negative, 2}, {"alpha", Domain::not_negative, 0}}},
    {Loss::categorical_crossentropy, "categorical_crossentropy", Activation::softmax, {kFromLogits, kLabelSmoothing}},
    {Loss::categorical_focal_crossentropy,
     "categorical_focal_crossentropy",
     Activation::softmax,
     {kFromLogits, kLabelSmoothing, {"gamma", Domain::not_negative, 2}, {"alpha", Domain::not_negative, 0.25}}},
    {Loss::sparse_categorical_crossentropy, "sparse_categorical_crossentropy", Activation::softmax, {kFromLogits}},
    {Loss::poisson, "poisson", Activation::linear, {}},
    {Loss::kl_divergence, "kl_divergence", Activation::linear, {}},
    {Loss::hinge, "hinge", Activation::linear, {}},
    {Loss::squared_hinge, "squared_hinge", Activation::linear, {}},
    {Loss::categorical_hinge, "categorical_hinge", Activation::linear, {}},
    {Loss::quantile, "quantile", Activation::linear, {{"quantile", Domain::fraction, 0.5}}},
    {Loss::cosine_similarity, "cosine_similarity", Activation::linear, {}},
};

// static: each of the kernels' objects has its own, as in activation.hpp.
static constexpr bool losses_follow_enumerators() {
  for (int i = 0; i < kLossCount; ++i)
    if (static_cast<int>(kLosses[i].loss) != i) return false;
  return true;
}
static_assert(losses_follow_enumerators(), "expected a row of kLosses for each Loss, in their order");

// Returns whether the loss is computed from the sums of a last layer with this activation. Then its delta is that of
// the sums: the derivative of the activation is part of it. `first_parameter` is from_logits, which forbids it.
template <class T>
static constexpr bool is_fused(Loss loss, Activation activation, T first_parameter) {
  const Activation with = kLosses[static_cast<int>(loss)].fused_with;
  return with != Activation::linear && with == activation && first_parameter == 0;
}

}  // namespace fastnn
