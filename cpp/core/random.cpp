// See random.hpp. Masks take 16 bits a unit, from kWide counters at once: lane i of the wide words is counter i, so that
// gcc makes vectors of the rounds and units lie side by side. Half h of word w of counter 8 g + i is that of unit
// 64 g + 16 w + 8 h + i.
#include "random.hpp"

#include <algorithm>
#include <cmath>

#include "elementary.hpp"

namespace fastnn {
namespace {

constexpr int kWide = 8, kUnitsOfGroup = 8 * kWide;
constexpr int kMostGroups = 8;

// The rounds from `round` on, by recursion: gcc makes vectors of a loop over counters only if no loop is inside.
template <int round>
inline __attribute__((always_inline)) void rounds(std::uint32_t (&c)[4], std::uint32_t k0, std::uint32_t k1) {
  if constexpr (round < Philox::kRounds) {
    const std::uint64_t a = std::uint64_t{Philox::kMultiplier0} * c[0], b = std::uint64_t{Philox::kMultiplier1} * c[2];
    std::uint32_t next[4] = {Philox::word(b, 1) ^ c[1] ^ k0, Philox::word(b, 0), Philox::word(a, 1) ^ c[3] ^ k1,
                             Philox::word(a, 0)};
    rounds<round + 1>(next, k0 + Philox::kWeyl0, k1 + Philox::kWeyl1);
    for (int w = 0; w < 4; ++w) c[w] = next[w];
  }
}

// Calls set(unit, n, drawn) for up to kWide units at a time: drawn[i] has the 16 bits of unit + i.
template <class Set>
void for_units(const Philox& generator, std::uint64_t step, std::uint32_t row, std::size_t units, Set set) {
  std::uint32_t words[4][kMostGroups * kWide];
  for (std::size_t first = 0; first < units; first += kMostGroups * kUnitsOfGroup) {
    const std::size_t here = std::min<std::size_t>(units - first, kMostGroups * kUnitsOfGroup);
    const int counters = static_cast<int>((here + kUnitsOfGroup - 1) / kUnitsOfGroup) * kWide;
    const auto begin = static_cast<std::uint32_t>(first / 8);
    for (int i = 0; i < counters; ++i) {
      std::uint32_t c[4] = {begin + static_cast<std::uint32_t>(i), row, Philox::word(step, 0), Philox::word(step, 1)};
      rounds<0>(c, Philox::word(generator.key, 0), Philox::word(generator.key, 1));
      words[0][i] = c[0], words[1][i] = c[1], words[2][i] = c[2], words[3][i] = c[3];
    }
    for (std::size_t unit = 0; unit < here; unit += kWide) {
      const std::size_t group = unit / kUnitsOfGroup, eighth = unit / kWide % 8;
      const std::uint32_t* const word = words[eighth / 2] + group * kWide;
      std::uint32_t drawn[kWide];
      for (int i = 0; i < kWide; ++i) drawn[i] = eighth % 2 == 0 ? word[i] & 0xffff : word[i] >> 16;
      set(first + unit, std::min<std::size_t>(kWide, here - unit), drawn);
    }
  }
}

// Units whose 16 bits are below it are dropped.
std::uint32_t threshold_of(double rate) { return static_cast<std::uint32_t>(rate * 65536 + 0.5); }

// 0 … bound - 1, all equally likely. `next` returns 32 bits (bound up to 2^32) or 64.
template <class Next32, class Next64>
std::uint64_t below(std::uint64_t bound, Next32 next32, Next64 next64) {
  if (bound >> 32 == 0) {
    const auto small = static_cast<std::uint32_t>(bound);
    std::uint64_t product = std::uint64_t{next32()} * small;
    if (static_cast<std::uint32_t>(product) < small) {
      const std::uint32_t least = -small % small;  // 2^32 mod bound: so many products are too many
      while (static_cast<std::uint32_t>(product) < least) product = std::uint64_t{next32()} * small;
    }
    return product >> 32;
  }
  std::uint64_t mask = bound - 1;
  for (int shift = 1; shift < 64; shift *= 2) mask |= mask >> shift;
  std::uint64_t drawn = next64() & mask;
  while (drawn >= bound) drawn = next64() & mask;
  return drawn;
}

// Two numbers of the standard normal distribution.
std::array<double, 2> normal_pair(const std::array<std::uint32_t, 4>& words) {
  using namespace elementary;
  const double u = 1 - uniform(std::uint64_t{words[1]} << 32 | words[0]);  // in (0, 1]
  const double turns = uniform(std::uint64_t{words[3]} << 32 | words[2]);
  const double radius = std::sqrt(-2 * log_of_normal(u));  // IEEE's square root
  const double quarters = nearest(4 * turns), rest = (4 * turns - quarters) * (kHalfPi[0] + kHalfPi[1]);
  const auto quarter = static_cast<std::int64_t>(quarters);
  return {radius * sin_of(quarter + 1, rest, 0), radius * sin_of(quarter, rest, 0)};
}

}  // namespace

void fill_uniform(const Philox& generator, std::uint64_t stream, std::size_t n, double* numbers) {
  for (std::size_t i = 0; i < n; i += 2) {
    const auto words = generator.block(stream, i / 2);
    for (std::size_t half = 0; half < 2 && i + half < n; ++half)
      numbers[i + half] = uniform(std::uint64_t{words[2 * half + 1]} << 32 | words[2 * half]);
  }
}

void fill_normal(const Philox& generator, std::uint64_t stream, std::size_t n, double* numbers) {
  for (std::size_t i = 0; i < n; i += 2) {
    const auto pair = normal_pair(generator.block(stream, i / 2));
    std::copy_n(pair.data(), std::min<std::size_t>(2, n - i), numbers + i);
  }
}

void permutation(std::size_t n, std::uint64_t seed, std::uint64_t epoch, std::int64_t* order) {
  const Philox shuffle = generator(seed, Purpose::shuffle);
  std::array<std::uint32_t, 4> words{};
  std::uint64_t drawn = 0;
  const auto next32 = [&] {
    if (drawn % 4 == 0) words = shuffle.block(epoch, drawn / 4);
    return words[drawn++ % 4];
  };
  const auto next64 = [&] {
    const std::uint64_t low = next32();
    return std::uint64_t{next32()} << 32 | low;
  };
  for (std::size_t i = 0; i < n; ++i) order[i] = static_cast<std::int64_t>(i);
  for (std::size_t i = n; i > 1; --i) std::swap(order[i - 1], order[below(i, next32, next64)]);
}

template <class T>
void dropout_row(const Philox& generator, std::uint64_t step, std::uint32_t row, std::size_t units, double rate,
                 T* multipliers) {
  const T kept = static_cast<T>(1 / (1 - rate));
  const std::uint32_t threshold = threshold_of(rate);
  for_units(generator, step, row, units, [&](std::size_t unit, std::size_t n, const std::uint32_t* drawn) {
    T numbers[kWide];
    for (int i = 0; i < kWide; ++i) numbers[i] = drawn[i] >= threshold ? kept : T{0};
    std::copy_n(numbers, n, multipliers + unit);
  });
}

template <class T>
void gaussian_row(const Philox& generator, std::uint64_t step, std::uint32_t row, std::size_t units, double stddev,
                  T* addends) {
  for (std::size_t i = 0; i < units; i += 2) {
    const auto pair = normal_pair(generator.block(step, std::uint64_t{row} << 32 | i / 2));
    for (std::size_t half = 0; half < 2 && i + half < units; ++half)
      addends[i + half] = static_cast<T>(stddev * pair[half]);
  }
}

template <class T>
void alpha_dropout_row(const Philox& generator, std::uint64_t step, std::uint32_t row, std::size_t units, double rate,
                       T* multipliers, T* addends) {
  // What selu tends to for very small x: -alpha · scale.
  constexpr double kDropped = -1.6732632423543772848 * 1.0507009873554804934;
  const double a = 1 / std::sqrt((1 - rate) * (1 + rate * kDropped * kDropped)), b = -a * kDropped * rate;
  const T multiplier = static_cast<T>(a), addend = static_cast<T>(b), dropped = static_cast<T>(a * kDropped + b);
  const std::uint32_t threshold = threshold_of(rate);
  for_units(generator, step, row, units, [&](std::size_t unit, std::size_t n, const std::uint32_t* drawn) {
    for (std::size_t i = 0; i < n; ++i) {
      multipliers[unit + i] = drawn[i] >= threshold ? multiplier : T{0};
      addends[unit + i] = drawn[i] >= threshold ? addend : dropped;
    }
  });
}

template void dropout_row(const Philox&, std::uint64_t, std::uint32_t, std::size_t, double, float*);
template void dropout_row(const Philox&, std::uint64_t, std::uint32_t, std::size_t, double, double*);
template void gaussian_row(const Philox&, std::uint64_t, std::uint32_t, std::size_t, double, float*);
template void gaussian_row(const Philox&, std::uint64_t, std::uint32_t, std::size_t, double, double*);
template void alpha_dropout_row(const Philox&, std::uint64_t, std::uint32_t, std::size_t, double, float*, float*);
template void alpha_dropout_row(const Philox&, std::uint64_t, std::uint32_t, std::size_t, double, double*, double*);

}  // namespace fastnn
