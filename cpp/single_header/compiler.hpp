// What exported C++ headers need from a compiler, and whether it has an fma instruction (docs/header.md).
#pragma once

#include <cfloat>
#include <cmath>
#include <limits>

#if defined(__FAST_MATH__) || defined(_M_FP_FAST) || (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__) || \
    defined(__ASSOCIATIVE_MATH__) || defined(__RECIPROCAL_MATH__) || defined(__NO_SIGNED_ZEROS__)
#error "expected IEEE arithmetic; compile without -ffast-math, -Ofast, /fp:fast and the like"
#endif
#if FLT_EVAL_METHOD != 0 && FLT_EVAL_METHOD != 16
#error "expected float to be computed as float; compile for SSE2, on 32-bit x86 with -msse2 -mfpmath=sse"
#endif

namespace fastnn::FASTNN_ISA {
namespace {

static_assert(0x1.00000001p0 > 1, "expected double literals; compile without -fsingle-precision-constant");

#if defined(FP_FAST_FMAF) || defined(__FMA__) || defined(__aarch64__) || defined(_M_ARM64) || \
    (defined(_MSC_VER) && defined(__AVX2__))
constexpr bool kHasFma = true;
#else
constexpr bool kHasFma = false;
#endif

template <class T>
constexpr T kInfinity = std::numeric_limits<T>::infinity();
template <class T>
constexpr T kNaN = std::numeric_limits<T>::quiet_NaN();

}  // namespace
}  // namespace fastnn::FASTNN_ISA
