// Tiny deltas and moments become +0: arithmetic on subnormal numbers takes many times as long. Without the rule the
// moments of a unit that gets no gradient turn subnormal after some 764 steps and stay so for ever. The square root of
// the limit is far below every epsilon, so no weight notices.
#pragma once

#include "math.hpp"

namespace fastnn::FASTNN_ISA {
namespace {

template <class T>
constexpr T kTiny = static_cast<T>(sizeof(T) == 4 ? 0x1p-100 : 0x1p-900);

// |x| < kTiny ? +0 : x. NaN stays NaN.
template <class T>
FASTNN_INLINE Vector<T> without_tiny(Vector<T> x) {
  return absolute<T>(x) < splat(kTiny<T>) ? Vector<T>{} : x;
}

}  // namespace
}  // namespace fastnn::FASTNN_ISA
