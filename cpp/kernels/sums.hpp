// Adds up the chains of a sum, for numbers and for vectors alike. The order of the additions is part of the numerics
// contract (docs/numerics.md, "Dense").
#pragma once

#include "../core/chains.hpp"
#include "simd.hpp"

namespace fastnn::FASTNN_ISA {
namespace {

// Returns c[0] + … + c[C-1] by halving: c[j] += c[j + w] for w = C/2, C/4, …, 1.
template <std::size_t C, class E>
FASTNN_INLINE E sum_by_halves(E (&c)[C]) {
#pragma GCC unroll 8
  for (std::size_t width = C / 2; width > 0; width /= 2)
#pragma GCC unroll 8
    for (std::size_t j = 0; j < width; ++j) c[j] = c[j] + c[j + width];
  return c[0];
}

}  // namespace
}  // namespace fastnn::FASTNN_ISA
