// How many interleaved chains a sum is split into: part of the numerics contract (docs/numerics.md, "Dense").
#pragma once

#include <cstddef>

namespace fastnn {

// static, here and below: each of the kernels' objects has its own, never the linker's choice of one compiled for
// another CPU.
static constexpr int chains_of(std::size_t units) { return units < 4 ? 16 : units <= 16 ? 4 : units <= 64 ? 2 : 1; }

// The most chains: those of layers of few units, and of sums over a row's units.
constexpr int kMostChains = 16;
static constexpr std::size_t pad_to_chains(std::size_t n) { return (n + kMostChains - 1) / kMostChains * kMostChains; }

}  // namespace fastnn
