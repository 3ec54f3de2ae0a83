// How large a tile is: as many sums as there are registers for. With 32 registers (AVX-512, NEON) 8 rows x 3 panels or
// 8 units x 3 vectors of rows, with 16 (AVX2) 6 rows x 1 panel or 4 units x 3 vectors, in the portable kernels, which
// keep half of 16 for their fma, 4 units x 1 vector.
#pragma once

#include "../core/kernel_table.hpp"
#include "simd.hpp"

namespace fastnn::FASTNN_ISA {
namespace {

constexpr int clamp(int n, int low, int high) { return n < low ? low : n < high ? n : high; }
constexpr int power_of_2_up_to(int n) { return n < 2 ? 1 : 2 * power_of_2_up_to(n / 2); }

// Registers for sums: three quarters, 24, 12 or 6. The rest hold a step's vectors and a splat.
constexpr int kSums = kRegisters * 3 / 4;

// Panels whose sums for one row, in C chains, are so many vectors.
template <class T, int C>
constexpr int panels_of(int vectors) {
  return vectors * kLanes<T> / (C * static_cast<int>(kPanelUnits<T>));
}

// Units in lanes, most rows of a tile. 8 rows x 3 panels take 11 loads for 24 fmas, 6 x 4 take 10; more rows are more
// work for weights that come from far away. Several chains of 8 rows would leave registers for one panel only.
template <class T, int C>
constexpr int kMostRows = clamp(panels_of<T, C>(kSums), 1, C == 1 ? 8 : 6);

// Units in lanes, most panels of a tile of so many rows: 4 streams of weights, as far apart as a panel is large, are
// what caches of 8 ways and prefetchers follow. One row takes 8 of short panels: the sums of 4 wait for each other, and
// take half of what level 1 gives. With 4 chains there are 16 units at most.
template <class T, int C>
constexpr int most_panels(int rows, bool are_short) {
  const int most = C == 4 ? 16 / static_cast<int>(kPanelUnits<T>) : rows == 1 && are_short ? 8 : 4;
  return clamp(panels_of<T, C>(kSums) / rows, 1, most);
}

// Units in lanes, most steps of a tile where several tiles of rows need the same weights: so many of 3 or 4 panels, 24
// or 32 KiB, stay in the level 1 cache from one to the next.
constexpr std::size_t kMostSteps = 128;

// Rows in lanes, most vectors of rows of a tile. 3 vectors x 8 units take 11 loads for 24 fmas, as 6 x 4 take 10, but
// half the inputs from level 2, which hands out 32 to 48 bytes a cycle. 4 units at least.
template <int C>
constexpr int kMostVectors = clamp(kSums / (4 * C), 1, 3);

// Rows in lanes, most units of a tile of V vectors: a divisor of a panel's.
template <class T, int C, int V>
constexpr int kMostUnits = power_of_2_up_to(clamp(kSums / (C * V), 1, static_cast<int>(kPanelUnits<T>)));

}  // namespace
}  // namespace fastnn::FASTNN_ISA
