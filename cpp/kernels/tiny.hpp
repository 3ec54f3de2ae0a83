// Tiny deltas, moments and moving averages become +0, by tiny_as_zero() of core, a vector at a time.
#pragma once

#include "../core/kernel_table.hpp"
#include "math.hpp"

namespace fastnn::FASTNN_ISA {
namespace {

// |x| < tiny<T>() ? +0 : x. NaN stays NaN.
template <class T>
FASTNN_INLINE Vector<T> without_tiny(Vector<T> x) {
  return absolute<T>(x) < splat(tiny<T>()) ? Vector<T>{} : x;
}

}  // namespace
}  // namespace fastnn::FASTNN_ISA
