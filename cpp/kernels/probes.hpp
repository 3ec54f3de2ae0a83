// What this CPU could do at most, for comparison: arithmetic without memory, and memory without arithmetic.
#pragma once

#include "../core/kernel_table.hpp"
#include "simd.hpp"

namespace fastnn::FASTNN_ISA {
namespace {

// `steps` fmas in each of as many independent chains as there are registers for; returns the operations, two for each
// fma. An fma that can start twice a cycle and takes 4 or 5 cycles needs 8 to 10 chains: AVX2 has room for 12. Every
// chain runs towards 1, so that no number is subnormal or overflows. `result` holds a panel: what is stored there is
// what a compiler may not leave out.
template <class T>
double fma_chains(std::size_t steps, T* result) {
  constexpr int kChains = kRegisters * 3 / 4;
  Vector<T> chains[kChains];
#pragma GCC unroll 32
  for (int c = 0; c < kChains; ++c) chains[c] = splat(static_cast<T>(c));  // differ, or one would do for all
  const Vector<T> half = splat(T(0.5));
  for (std::size_t step = 0; step < steps; ++step)
#pragma GCC unroll 32
    for (int c = 0; c < kChains; ++c) chains[c] = fma(chains[c], half, half);
  Vector<T> sum = chains[0];
#pragma GCC unroll 32
  for (int c = 1; c < kChains; ++c) sum += chains[c];
  store(result, sum);
  return 2.0 * kChains * kLanes<T> * static_cast<double>(steps);
}

// Reads `size` bytes, a multiple of kReadBytes: each of as many vectors at a time is joined to a register of its own
// by "or".
template <class T>
void read(const T* x, std::size_t size, T* result) {
  Bits<T> seen[kReadStreams] = {};
  for (const T* end = x + size / sizeof(T); x < end; x += kReadStreams * kLanes<T>)
#pragma GCC unroll 8
    for (int s = 0; s < kReadStreams; ++s) seen[s] |= to_bits<T>(load(x + s * kLanes<T>));
#pragma GCC unroll 8
  for (int s = 1; s < kReadStreams; ++s) seen[0] |= seen[s];
  store(result, from_bits<T>(seen[0]));
}

}  // namespace
}  // namespace fastnn::FASTNN_ISA
