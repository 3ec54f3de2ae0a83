// The size of a tile: as many sums as registers allow. Below, how sizes known at run time become constants.
// - 32 registers (AVX-512, NEON): 8 rows x 3 panels, or 8 units x 3 vectors of rows.
// - 16 registers (AVX2): 6 rows x 1 panel, or 4 units x 3 vectors of rows; half of the rows or units for two chains at
//   once.
// - Portable kernels, whose software fma needs half of the 16 registers: 4 units x 1 vector of rows.
#pragma once

#include "../core/kernel_table.hpp"
#include "simd.hpp"

namespace fastnn::FASTNN_ISA {
namespace {

constexpr std::size_t min(std::size_t a, std::size_t b) { return a < b ? a : b; }
constexpr int clamp(int n, int low, int high) { return n < low ? low : n < high ? n : high; }
constexpr int power_of_2_up_to(int n) { return n < 2 ? 1 : 2 * power_of_2_up_to(n / 2); }

// Registers for sums: three quarters of all, that is 24, 12 or 6. The rest hold the vectors and the splat of one
// iteration.
constexpr int kSums = kRegisters * 3 / 4;

// How many of C chains the shape of a tile leaves registers for. With 16 registers that is one: all chains at once
// would leave so few sums that a tile loads more numbers than it multiplies. The tile computes the others after it.
template <int C>
constexpr int kShapedChains = kRegisters == 16 ? 1 : C;

// But with few inputs, sums that wait in memory for the other chains cost more than loads. Then a tile of 2 or 4 chains
// has half of the rows or units, and two chains at once.
template <int C, int V>
constexpr bool kHasPairs = kRegisters == 16 && (C == 2 || C == 4) && V > 1;

// Units in lanes: 448 inputs of a panel take 28 KiB. More of them leave the level 1 cache, so more rows should share
// them. 4, 5 and 7 rows take longer with two chains at once (docs/evidence/performance.md), and one row has no half.
constexpr bool has_paired_units(std::size_t rows, std::size_t inputs) {
  return inputs <= 448 && rows != 1 && rows != 4 && rows != 5 && rows != 7;
}

// Rows in lanes: more units should share the vectors of more inputs. 64 was measured on a Zen 3 core.
constexpr std::size_t kMostInputsOfPairedRows = 64;

// The chains that a tile of so many sums computes at once, a power of two.
constexpr int chains_at_once(int chains, int sums) { return power_of_2_up_to(clamp(kSums / sums, 1, chains)); }

// Vectors of a panel.
template <class T>
constexpr int kPanelVectors = static_cast<int>(kPanelUnits<T>) / kLanes<T>;

// Units in lanes: the most rows of a tile whose panels have V vectors. 8 rows x 3 panels take 11 loads for 24 fmas, 6 x
// 4 take 10, but more rows do more work per weight from a far cache level. With several chains, 8
// rows would leave room for only one panel in 32 registers.
template <int C, int V, int kAtOnce = kShapedChains<C>>
constexpr int kMostRows = clamp(kSums / (kAtOnce * V), 1, C == 1 ? 8 : 6);

// Units in lanes: the most panels of a tile with `rows` rows. 8-way caches and prefetchers follow 4 streams of weights
// that lie one panel apart. A tile of one row takes 8 if the panels are short: with 4, its fmas wait for each other and
// use half the bandwidth of level 1. With 4 chains a layer has at most 16 units.
template <class T, int C, int V, int kAtOnce = kShapedChains<C>>
constexpr int most_panels(int rows, bool are_short) {
  const int most = C == 4 ? 16 / static_cast<int>(kPanelUnits<T>) : rows == 1 && are_short ? 8 : 4;
  return clamp(kSums / (kAtOnce * V * rows), 1, most);
}

// Units in lanes: the most inputs of a tile if several tiles of rows read the same weights. So many inputs of 3 or 4
// panels are 24 or 32 KiB, of the one panel of AVX2 16 KiB. They stay in the level 1 cache from one tile of rows to the
// next.
constexpr std::size_t kMostSteps = kRegisters == 16 ? 256 : 128;

// Units in lanes: from so many rows on a second vector of a panel without units is left out. Fewer rows have so few
// sums that their fmas wait for each other.
constexpr std::size_t kFewestRowsOfHalf = 6;

// Units in lanes: weights of so many bytes come from level 3 or memory, and the hardware asks for too few of the next
// ones. 1024-1024-1024-1024-1024 with 16 rows takes 1.4 times as long where others have used level 3 (Zen 5). Many CPUs
// without AVX-512 have 512 KiB of level 2 or less.
constexpr std::size_t kFarBytes = kRegisters == 16 ? 512 << 10 : 2 << 20;

// Rows in lanes: the most vectors of rows of a tile, which has at least 4 units, or 2 of two chains at once. 3 vectors
// x 8 units take 11 loads for 24 fmas, 6 x 4 take 10, but read twice as many inputs from level 2, which delivers 32 to
// 48 bytes per cycle.
template <int C>
constexpr int kMostVectors = clamp(kSums / (4 * kShapedChains<C>), 1, 3);

// Rows in lanes: the most units of a tile of V vectors, a power of two. It divides the units of a panel; layers with
// the most chains have up to 3.
template <class T, int C, int V, int kAtOnce = kShapedChains<C>>
constexpr int kMostUnits =
    power_of_2_up_to(clamp(kSums / (kAtOnce * V), 1, C == kMostChains ? 3 : static_cast<int>(kPanelUnits<T>)));

template <int n>
struct Constant {
  static constexpr int value = n;
};

// Calls body(Constant<n>) for a run-time n from 1 to most.
template <int most, class Body>
FASTNN_INLINE void with_constant(std::size_t n, Body body) {
  if constexpr (most > 1)
    if (n < most) return with_constant<most - 1>(n, body);
  body(Constant<most>{});
}

// Calls body(Constant<p>) for the largest power of two p <= min(n, most); `most` is a power of two.
template <int most, class Body>
FASTNN_INLINE void with_power_of_2(std::size_t n, Body body) {
  if constexpr (most > 1)
    if (n < most) return with_power_of_2<most / 2>(n, body);
  body(Constant<most>{});
}

// Calls body(Constant<1>) if a panel is one vector (AVX-512) and its `width` numbers fit half of it, else
// body(Constant<0>).
template <class T, class Body>
FASTNN_INLINE void with_half(std::size_t width, Body body) {
  if constexpr (kPanelVectors<T> == 1)
    if (width <= kPanelUnits<T> / 2) return body(Constant<1>{});
  body(Constant<0>{});
}

// Splits n evenly into as few pieces of at most `most` as possible, and returns the size of the first.
constexpr std::size_t first_share(std::size_t n, std::size_t most) {
  const std::size_t shares = (n - 1) / most + 1;
  return (n + shares - 1) / shares;
}

// Units in lanes: the number of turns in which so many tiles of rows are computed. A turn computes all units. With AVX2
// a tile has one panel, and each panel reads the rows again: from level 2 if a turn's rows take about half of 512 KiB,
// else from level 3. Each turn reads all weights again, so it has at least 8 tiles.
template <class T, int C>
constexpr std::size_t turns_of(std::size_t tiles, std::size_t inputs) {
  constexpr std::size_t kTileNumbers = 256 * 1024 / sizeof(T) / kMostRows<C, kPanelVectors<T>>;
  if (kRegisters != 16 || tiles < 16 || tiles * inputs <= kTileNumbers) return 1;
  const std::size_t most = inputs < kTileNumbers ? kTileNumbers / inputs : 1;
  return min((tiles + most / 2) / most, tiles / 8);
}

}  // namespace
}  // namespace fastnn::FASTNN_ISA
