// See random.hpp. Masks take 16 bits a unit, from four counters at once, one a lane, so that units lie side by side:
// half h of word w of counter 4 g + i is that of unit 32 g + 8 w + 4 h + i.
#include "random.hpp"

#include <algorithm>
#include <cstring>
#include <type_traits>
#include <utility>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "elementary.hpp"

namespace fastnn {
namespace {

constexpr int kLanes = 4, kUnitsOfGroup = 8 * kLanes;
typedef std::uint64_t Pair __attribute__((vector_size(16)));
typedef std::int32_t Lanes __attribute__((vector_size(16)));

// The products of the lower 32 bits. The compiler writes three of these instructions for one.
inline Pair products(Pair x, std::uint32_t multiplier) {
#if defined(__x86_64__)
  const Pair y = {multiplier, multiplier};
  return reinterpret_cast<Pair>(_mm_mul_epu32(reinterpret_cast<__m128i>(x), reinterpret_cast<__m128i>(y)));
#else
  return (x & 0xffffffff) * multiplier;
#endif
}

// Philox::block for two counters; the upper 32 bits of each number are left over.
inline void two_blocks(const Philox& generator, Pair (&c)[4]) {
  std::uint32_t k0 = Philox::word(generator.key, 0), k1 = Philox::word(generator.key, 1);
  for (int round = 0; round < Philox::kRounds; ++round) {
    const Pair a = products(c[0], Philox::kMultiplier0), b = products(c[2], Philox::kMultiplier1);
    c[0] = (b >> 32) ^ c[1] ^ k0, c[1] = b;
    c[2] = (a >> 32) ^ c[3] ^ k1, c[3] = a;
    k0 += Philox::kWeyl0, k1 += Philox::kWeyl1;
  }
}

// Calls set(unit, drawn) for every fourth unit: drawn[i] has the 16 bits of unit + i, also beyond the last.
template <class Set>
inline void for_units(const Philox& generator, std::uint64_t step, std::uint32_t row, std::size_t units, Set set) {
  const Pair zero = {};
  for (std::size_t first = 0; first < units; first += kUnitsOfGroup) {
    const std::uint64_t counter = first / 8;
    Pair even[4] = {{counter, counter + 2}, zero + row, zero + Philox::word(step, 0), zero + Philox::word(step, 1)};
    Pair odd[4] = {{counter + 1, counter + 3}, even[1], even[2], even[3]};
    two_blocks(generator, even);
    two_blocks(generator, odd);
    for (std::size_t w = 0; w < 4; ++w) {
      const Pair words = (even[w] & 0xffffffff) | (odd[w] << 32);
      const std::size_t unit = first + 8 * w;
      if (unit < units) set(unit, reinterpret_cast<Lanes>(words) & 0xffff);
      if (unit + kLanes < units) set(unit + kLanes, reinterpret_cast<Lanes>((words >> 16) & 0x0000ffff0000ffff));
    }
  }
}

// numbers[i] = drawn[i] < threshold ? dropped : kept, for the first n of four.
template <class T>
inline void choose(Lanes drawn, std::int32_t threshold, T dropped, T kept, std::size_t n, T* numbers) {
  typedef std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t> Integer;
  typedef T Numbers __attribute__((vector_size(kLanes * sizeof(T))));
  typedef Integer Mask __attribute__((vector_size(kLanes * sizeof(T))));
  const Numbers zero = {}, chosen = __builtin_convertvector(drawn < threshold, Mask) ? zero + dropped : zero + kept;
  if (n >= kLanes)
    std::memcpy(numbers, &chosen, sizeof(chosen));
  else
    std::memcpy(numbers, &chosen, n * sizeof(T));
}

// Units whose 16 bits are below it are dropped.
std::int32_t threshold_of(double rate) { return static_cast<std::int32_t>(rate * 65536 + 0.5); }

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
  const double radius = square_root(-2 * log_of_normal(u));
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
  // Partners are drawn some swaps ahead, so that they have come from a far cache level when they are swapped.
  constexpr std::size_t kSwapsAhead = 32;
  std::array<std::uint64_t, kSwapsAhead> partners;
  for (std::size_t i = n; i > 1;) {
    const std::size_t count = std::min(i - 1, kSwapsAhead);
    for (std::size_t k = 0; k < count; ++k) {
      partners[k] = below(i - k, next32, next64);
      __builtin_prefetch(order + partners[k], 1);
    }
    for (std::size_t k = 0; k < count; ++k, --i) std::swap(order[i - 1], order[partners[k]]);
  }
}

template <class T>
void dropout_row(const Philox& generator, std::uint64_t step, std::uint32_t row, std::size_t units, double rate,
                 T* multipliers) {
  const T kept = static_cast<T>(1 / (1 - rate));
  const std::int32_t threshold = threshold_of(rate);
  for_units(generator, step, row, units, [&](std::size_t unit, Lanes drawn) {
    choose(drawn, threshold, T{0}, kept, units - unit, multipliers + unit);
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
  const double a = 1 / elementary::square_root((1 - rate) * (1 + rate * kDropped * kDropped)), b = -a * kDropped * rate;
  const T multiplier = static_cast<T>(a), addend = static_cast<T>(b), dropped = static_cast<T>(a * kDropped + b);
  const std::int32_t threshold = threshold_of(rate);
  for_units(generator, step, row, units, [&](std::size_t unit, Lanes drawn) {
    choose(drawn, threshold, T{0}, multiplier, units - unit, multipliers + unit);
    choose(drawn, threshold, dropped, addend, units - unit, addends + unit);
  });
}

template void dropout_row(const Philox&, std::uint64_t, std::uint32_t, std::size_t, double, float*);
template void dropout_row(const Philox&, std::uint64_t, std::uint32_t, std::size_t, double, double*);
template void gaussian_row(const Philox&, std::uint64_t, std::uint32_t, std::size_t, double, float*);
template void gaussian_row(const Philox&, std::uint64_t, std::uint32_t, std::size_t, double, double*);
template void alpha_dropout_row(const Philox&, std::uint64_t, std::uint32_t, std::size_t, double, float*, float*);
template void alpha_dropout_row(const Philox&, std::uint64_t, std::uint32_t, std::size_t, double, double*, double*);

}  // namespace fastnn
