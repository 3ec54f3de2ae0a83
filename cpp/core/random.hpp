// Random numbers as functions of a seed and of what they are for. Philox 4x32-10 (J. Salmon and others, "Parallel
// random numbers: as easy as 1, 2, 3", 2011) turns a counter into 128 bits, so any thread computes any number, and
// nothing is remembered but the seed. All is integers, or elementary.hpp: the bits are the same everywhere.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace fastnn {

// What numbers are for. Each purpose has keys of its own.
enum class Purpose : std::uint64_t { weights = 1, shuffle = 2, noise = 3 };

struct Philox {
  std::uint64_t key;

  // The block of the counter (low, high), least significant words first.
  std::array<std::uint32_t, 4> block(std::uint64_t high, std::uint64_t low) const {
    std::uint32_t c[4] = {word(low, 0), word(low, 1), word(high, 0), word(high, 1)};
    std::uint32_t k0 = word(key, 0), k1 = word(key, 1);
    for (int round = 0; round < kRounds; ++round) {
      const std::uint64_t a = std::uint64_t{kMultiplier0} * c[0], b = std::uint64_t{kMultiplier1} * c[2];
      c[0] = word(b, 1) ^ c[1] ^ k0, c[1] = word(b, 0);
      c[2] = word(a, 1) ^ c[3] ^ k1, c[3] = word(a, 0);
      k0 += kWeyl0, k1 += kWeyl1;
    }
    return {c[0], c[1], c[2], c[3]};
  }

  // 64 bits of the block: the first (half 0) or the last (half 1).
  std::uint64_t bits(std::uint64_t high, std::uint64_t low, int half) const {
    const auto words = block(high, low);
    return std::uint64_t{words[2 * half + 1]} << 32 | words[2 * half];
  }

  static constexpr int kRounds = 10;
  static constexpr std::uint32_t kMultiplier0 = 0xd2511f53, kMultiplier1 = 0xcd9e8d57;
  static constexpr std::uint32_t kWeyl0 = 0x9e3779b9, kWeyl1 = 0xbb67ae85;
  static constexpr std::uint32_t word(std::uint64_t x, int i) { return static_cast<std::uint32_t>(x >> 32 * i); }
};

// The generator of one purpose: its key is drawn with the seed. `number` tells apart, for example, layers with noise.
inline Philox generator(std::uint64_t seed, Purpose purpose, std::uint64_t number = 0) {
  return {Philox{seed}.bits(static_cast<std::uint64_t>(purpose), number, 0)};
}

// A double in [0, 1): a multiple of 2^-53.
inline double uniform(std::uint64_t bits) { return static_cast<double>(bits >> 11) * 0x1p-53; }

// Numbers i = 0 … n-1 of a stream. Number i does not depend on n.
void fill_uniform(const Philox& generator, std::uint64_t stream, std::size_t n, double* numbers);
// Of the standard normal distribution (G. Box, M. Muller, 1958).
void fill_normal(const Philox& generator, std::uint64_t stream, std::size_t n, double* numbers);

// Puts 0 … n-1 in the order of an epoch (R. Fisher, F. Yates; without bias: D. Lemire, 2019).
void permutation(std::size_t n, std::uint64_t seed, std::uint64_t epoch, std::int64_t* order);

// Noise for one row of a step's batch. The generator is that of the layer: generator(seed, Purpose::noise, layer). The
// number of a unit depends on generator, step, row and unit alone.

// Dropout: x *= multipliers, each 0 with probability `rate` (in steps of 2^-16), else 1 / (1 - rate) rounded to T.
template <class T>
void dropout_row(const Philox& generator, std::uint64_t step, std::uint32_t row, std::size_t units, double rate,
                 T* multipliers);

// GaussianNoise: x += addends, standard deviation `stddev`.
template <class T>
void gaussian_row(const Philox& generator, std::uint64_t step, std::uint32_t row, std::size_t units, double stddev,
                  T* addends);

// AlphaDropout (G. Klambauer and others, "Self-normalizing neural networks", 2017): x = x * multipliers + addends,
// which keeps mean 0 and variance 1. Rate below 1.
template <class T>
void alpha_dropout_row(const Philox& generator, std::uint64_t step, std::uint32_t row, std::size_t units, double rate,
                       T* multipliers, T* addends);

}  // namespace fastnn
