// Probes of the limits of this CPU: arithmetic without memory access, and memory access without arithmetic.
// core/machine.cpp times them, so that benchmarks can report a fraction of the peak.
#pragma once

#include "../core/kernel_table.hpp"
#include "simd.hpp"

namespace fastnn::FASTNN_ISA {
namespace {

// Runs `steps` fmas in each of several independent chains, as many as registers allow. Returns the number of
// operations, two per fma. An fma that starts twice per cycle and takes 4 or 5 cycles needs 8 to 10 chains; AVX2 has
// registers for 12. Every chain converges to 1, so that no number is subnormal or overflows. Storing to `result`, which
// holds a panel, keeps the compiler from removing the loop.
template <class T>
double fma_chains(std::size_t steps, T* result) {
  constexpr int kChains = kRegisters * 3 / 4;
  Vector<T> chains[kChains];
#pragma GCC unroll 32
  for (int c = 0; c < kChains; ++c) chains[c] = splat(static_cast<T>(c));  // equal chains would be merged into one
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

// Reads `size` bytes, a multiple of kReadBytes. kReadStreams vectors at a time are or-ed into registers of their own,
// so that no load waits for another.
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
