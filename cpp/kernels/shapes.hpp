// The size of a tile: as many sums as registers allow.
// - 32 registers (AVX-512, NEON): 8 rows x 3 panels, or 8 units x 3 vectors of rows.
// - 16 registers (AVX2): 6 rows x 1 panel, or 4 units x 3 vectors of rows.
// - Portable kernels, whose software fma needs half of the 16 registers: 4 units x 1 vector of rows.
#pragma once

#include "../core/kernel_table.hpp"
#include "simd.hpp"

namespace fastnn::FASTNN_ISA {
namespace {

constexpr int clamp(int n, int low, int high) { return n < low ? low : n < high ? n : high; }
constexpr int power_of_2_up_to(int n) { return n < 2 ? 1 : 2 * power_of_2_up_to(n / 2); }

// Registers for sums: three quarters of all, that is 24, 12 or 6. The rest hold the vectors and the splat of one
// iteration.
constexpr int kSums = kRegisters * 3 / 4;

// The number of panels whose sums for one row, in C chains, fill `vectors` vectors.
template <class T, int C>
constexpr int panels_of(int vectors) {
  return vectors * kLanes<T> / (C * static_cast<int>(kPanelUnits<T>));
}

// Units in lanes: the most rows of a tile. 8 rows x 3 panels take 11 loads for 24 fmas, 6 x 4 take 10, but more rows do
// more work per weight from a far cache level. With several chains, 8 rows would leave registers for only one panel.
template <class T, int C>
constexpr int kMostRows = clamp(panels_of<T, C>(kSums), 1, C == 1 ? 8 : 6);

// Units in lanes: the most panels of a tile with `rows` rows. 8-way caches and prefetchers follow 4 streams of weights
// that lie one panel apart. A tile of one row takes 8 if the panels are short: with 4, its fmas wait for each other and
// use half the bandwidth of level 1. With 4 chains a layer has at most 16 units.
template <class T, int C>
constexpr int most_panels(int rows, bool are_short) {
  const int most = C == 4 ? 16 / static_cast<int>(kPanelUnits<T>) : rows == 1 && are_short ? 8 : 4;
  return clamp(panels_of<T, C>(kSums) / rows, 1, most);
}

// Units in lanes: the most inputs of a tile if several tiles of rows read the same weights. So many inputs of 3 or 4
// panels are 24 or 32 KiB, which stay in the level 1 cache from one tile of rows to the next.
constexpr std::size_t kMostSteps = 128;

// Rows in lanes: the most vectors of rows of a tile, which has at least 4 units. 3 vectors x 8 units take 11 loads for
// 24 fmas, 6 x 4 take 10, but read twice as many inputs from level 2, which delivers 32 to 48 bytes per cycle.
template <int C>
constexpr int kMostVectors = clamp(kSums / (4 * C), 1, 3);

// Rows in lanes: the most units of a tile of V vectors. It divides the units of a panel.
template <class T, int C, int V>
constexpr int kMostUnits = power_of_2_up_to(clamp(kSums / (C * V), 1, static_cast<int>(kPanelUnits<T>)));

}  // namespace
}  // namespace fastnn::FASTNN_ISA
