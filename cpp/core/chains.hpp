// The number of interleaved chains that a sum is split into. It is part of the numerics contract (docs/numerics.md,
// "Dense"): changing it changes the bits of results.
#pragma once

#include <cstddef>

namespace fastnn {

// static, here and below: each kernel object gets its own copy. Otherwise the linker could keep one that was compiled
// for a newer CPU.
static constexpr int chains_of(std::size_t units) { return units < 4 ? 16 : units <= 16 ? 4 : units <= 64 ? 2 : 1; }

// Layers with fewer than 4 units use the most chains, and so do sums over the units of a row.
constexpr int kMostChains = 16;
static constexpr std::size_t pad_to_chains(std::size_t n) { return (n + kMostChains - 1) / kMostChains * kMostChains; }

}  // namespace fastnn
