// One row of a call of `loss`: its targets, predictions and delta, a vector of units at a time.
#pragma once

#include <utility>

#include "../core/kernel_table.hpp"
#include "chain_sums.hpp"
#include "copy.hpp"
#include "logarithm.hpp"
#include "tiny.hpp"

namespace fastnn::FASTNN_ISA {
namespace {

template <class T>
struct LossRowOf {
  std::size_t units;
  bool sparse;
  const T* targets;
  std::ptrdiff_t target_stride;
  const T* predictions;
  const T* logits;  // the sums, or the predictions if these are sums; null: neither
  T* delta;         // or null
  T scale;
  const T* parameters;

  FASTNN_INLINE LossRowOf(const LossCall<T>& call, std::size_t r)
      : units(call.units),
        sparse(call.loss == Loss::sparse_categorical_crossentropy),
        targets(call.targets + stride(r) * call.target_row_stride),
        target_stride(call.target_column_stride),
        predictions(call.predictions.data + stride(r) * call.predictions.stride),
        logits(logits_of(call).data == nullptr ? nullptr : logits_of(call).data + stride(r) * logits_of(call).stride),
        delta(call.delta.data == nullptr ? nullptr : call.delta.data + stride(r) * call.delta.stride),
        scale(call.scales == nullptr ? T{1} : call.scales[r]),
        parameters(call.parameters) {}

  static bool has_logits(const LossCall<T>& call) {
    return kLosses[static_cast<int>(call.loss)].fused_with != Activation::linear && call.parameters[0] != 0;
  }

  static Matrix<const T> logits_of(const LossCall<T>& call) {
    if (call.sums.data != nullptr) return call.sums;
    return has_logits(call) ? call.predictions : Matrix<const T>{nullptr, 0};
  }

  // The targets of the units from n on. They are the caller's memory: nothing beyond the last is read.
  FASTNN_INLINE Vector<T> target(std::size_t n) const {
    if (sparse) {
      const Vector<T> classes = __builtin_convertvector(lane_numbers<T>(), Vector<T>) + splat(static_cast<T>(n));
      return classes == splat(targets[0]) ? splat<T>(1) : Vector<T>{};
    }
    const std::size_t left = units - n < std::size_t{kLanes<T>} ? units - n : std::size_t{kLanes<T>};
    if (target_stride == 1) return load_first(targets + n, left);
    Vector<T> y = {};
    for (std::size_t i = 0; i < left; ++i) y[i] = targets[stride(n + i) * target_stride];
    return y;
  }
  // y (1 - label_smoothing) + label_smoothing / classes.
  FASTNN_INLINE Vector<T> smooth_target(std::size_t n, T classes) const {
    return fma(target(n), splat(T{1} - parameters[1]), splat(parameters[1] / classes));
  }

  FASTNN_INLINE void set_delta(std::size_t n, Vector<T> value) const {
    if (delta != nullptr) store(delta + n, with_one_nan<T>(without_tiny<T>(value)));
  }
};

}  // namespace
}  // namespace fastnn::FASTNN_ISA
