// How the work of a call is cut up, for one thread or 64: its rows into blocks, or a layer's panels into parts.
#pragma once

#include <algorithm>
#include <cstddef>

namespace fastnn {

// Multiply-adds for which another thread is woken: some 80 us with AVX2 or AVX-512, ten times what waking takes.
constexpr double kWorkOfAThread = 1 << 22;

// Multiply-adds between two questions whether to go on: 0.3 ms with AVX2 or AVX-512, 40 ms without fma.
constexpr double kWorkOfAPart = 1 << 24;

// How many threads, `most` at most, so much work is worth.
inline std::size_t threads_for(double work, std::size_t most) {
  if (work < 2 * kWorkOfAThread) return 1;
  return static_cast<std::size_t>(std::min(work / kWorkOfAThread, static_cast<double>(most)));
}

// How many parts a layer of so many panels is cut into: as many for each thread, none of them long.
inline std::size_t parts_of_layer(std::size_t panels, double work, std::size_t threads) {
  const std::size_t fewest = 1 + static_cast<std::size_t>(work / kWorkOfAPart);
  return std::min(panels, (fewest + threads - 1) / threads * threads);
}

// Where share `i` of n things begins, when they are shared out to so many as evenly as may be, the larger shares first.
inline std::size_t begin_of_share(std::size_t n, std::size_t i, std::size_t shares) {
  return n / shares * i + std::min(i, n % shares);
}

// Groups of `lanes` rows, shared out evenly to as many blocks for every thread, and the few rows that are left. The
// first block is one of the largest: its scratch serves for all.
class Blocks {
 public:
  // At most `most_groups` in a block.
  Blocks(std::size_t rows, std::size_t lanes, std::size_t most_groups, std::size_t threads)
      : lanes_(lanes), groups_(rows / lanes), few_(rows % lanes) {
    const std::size_t fewest = (groups_ + most_groups - 1) / most_groups;
    of_groups_ = std::min(groups_, (fewest + threads - 1) / threads * threads);
  }

  std::size_t count() const { return of_groups_ + (few_ > 0 ? 1 : 0); }
  std::size_t of_groups() const { return of_groups_; }  // all but that of the few rows
  std::size_t first_row(std::size_t block) const {
    return lanes_ * (block < of_groups_ ? begin_of_share(groups_, block, of_groups_) : groups_);
  }
  std::size_t rows(std::size_t block) const {
    return block < of_groups_ ? first_row(block + 1) - first_row(block) : few_;
  }

  // Whether threads had better take blocks than, block by block, the units of a layer: unless these keep more of them
  // busy.
  bool are_shared(std::size_t threads, std::size_t threads_of_a_layer) const {
    return threads > 1 && of_groups_ >= threads_of_a_layer;
  }

 private:
  std::size_t lanes_, groups_, few_, of_groups_;
};

}  // namespace fastnn
