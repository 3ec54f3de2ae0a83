// How the work of a call is cut up, for one thread or 64: its rows into blocks, or a layer's panels into parts.
#pragma once

#include <algorithm>
#include <cstddef>

namespace fastnn {

// Multiply-adds for which another thread is woken: 36 us with two 512-bit fmas a cycle, 71 with one (performance.md's
// machines), five to ten times what waking takes.
constexpr double kWorkOfAThread = 1 << 22;

// Multiply-adds between two questions whether to go on, at most: 0.15 to 0.3 ms there, 40 ms without fma; and at least.
constexpr double kWorkOfAPart = 1 << 24;
constexpr double kWorkOfAQuestion = 1 << 18;  // to ask takes 30 ns

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

// One thread takes whole blocks, and one of the rows that are left; several take as many blocks each, in whole vectors
// of rows, and the rows that are left. The first block is one of the largest: its scratch serves for all.
class Blocks {
 public:
  // At most `whole` rows in a block.
  Blocks(std::size_t rows, std::size_t whole, std::size_t vector, std::size_t threads)
      : grain_(threads == 1 ? whole : vector), left_(rows) {
    if (rows < whole) return;  // one block; and no division, which takes as long as a layer of a small network
    grains_ = rows / grain_;
    left_ = rows % grain_;
    const std::size_t most = whole / grain_, fewest = (grains_ + most - 1) / most;
    of_grains_ = std::min(grains_, (fewest + threads - 1) / threads * threads);
  }

  std::size_t count() const { return of_grains_ + (left_ > 0 ? 1 : 0); }
  std::size_t of_grains() const { return of_grains_; }  // all but that of the rows that are left
  std::size_t first_row(std::size_t block) const {
    return grain_ * (block < of_grains_ ? begin_of_share(grains_, block, of_grains_) : grains_);
  }
  std::size_t rows(std::size_t block) const {
    return block < of_grains_ ? first_row(block + 1) - first_row(block) : left_;
  }

 private:
  std::size_t grain_, left_, grains_ = 0, of_grains_ = 0;
};

// A call: how many threads it is worth, and what they share: blocks or, block by block, the units of a layer where that
// keeps more of them busy.
struct Plan {
  Plan(std::size_t rows, std::size_t whole, std::size_t vector, double work_of_row, std::size_t layers,
       std::size_t most_threads)
      : threads(threads_for(work_of_row * static_cast<double>(rows), most_threads)),
        blocks(rows, whole, vector, threads),
        shares_blocks(threads > 1 &&
                      blocks.of_grains() >=
                          threads_for(work_of_row * static_cast<double>(blocks.rows(0)) / static_cast<double>(layers),
                                      threads)) {}
  std::size_t threads;
  Blocks blocks;
  bool shares_blocks;
};

}  // namespace fastnn
