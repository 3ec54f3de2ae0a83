// Splits the work of a call for 1 to kMostThreads threads: rows into blocks, or the panels of a layer into parts.
// A part is what one thread runs without interruption. Everything here is arithmetic, so tests count it without running
// a network.
#pragma once

#include <algorithm>
#include <cstddef>

namespace fastnn {

// Minimum multiply-adds per thread. They take 36 us with two 512-bit fmas per cycle, 71 us with one (the machines of
// performance.md): five to ten times as long as waking a thread.
constexpr double kWorkOfAThread = 1 << 22;

// Multiply-adds between two calls of go_on: at most kWorkOfAPart, 0.15 to 0.3 ms on the same machines and 40 ms without
// fma; at least kWorkOfAQuestion, since a call takes 30 ns.
constexpr double kWorkOfAPart = 1 << 24;
constexpr double kWorkOfAQuestion = 1 << 18;

// Returns the number of threads worth using for `work` multiply-adds, from 1 to `most`.
inline std::size_t threads_for(double work, std::size_t most) {
  if (work < 2 * kWorkOfAThread) return 1;
  return static_cast<std::size_t>(std::min(work / kWorkOfAThread, static_cast<double>(most)));
}

// Returns the number of parts for a layer: a multiple of `threads`, so that all threads get equally many, unless there
// are fewer panels; and enough that no part exceeds kWorkOfAPart.
inline std::size_t parts_of_layer(std::size_t panels, double work, std::size_t threads) {
  const std::size_t fewest = 1 + static_cast<std::size_t>(work / kWorkOfAPart);
  return std::min(panels, (fewest + threads - 1) / threads * threads);
}

// Returns the first index of part `i` when n items are split into `shares` parts whose sizes differ by at most 1,
// larger parts first.
inline std::size_t begin_of_share(std::size_t n, std::size_t i, std::size_t shares) {
  return n / shares * i + std::min(i, n % shares);
}

// The blocks of a call. They are made of grains: a grain is a full block for one thread, a vector of rows for several.
// Several threads get equally many blocks where there are grains enough. Rows that fill no grain make one last block.
// No block is larger than the first.
class Blocks {
 public:
  // A block has at most `whole` rows; `vector` is the number of rows in a vector.
  Blocks(std::size_t rows, std::size_t whole, std::size_t vector, std::size_t threads)
      : grain_(threads == 1 ? whole : vector), left_(rows) {
    if (rows < whole) return;  // one block, without the division: it takes as long as a layer of a small network
    grains_ = rows / grain_;
    left_ = rows % grain_;
    const std::size_t most = whole / grain_, fewest = (grains_ + most - 1) / most;
    of_grains_ = std::min(grains_, (fewest + threads - 1) / threads * threads);
  }

  std::size_t count() const { return of_grains_ + (left_ > 0 ? 1 : 0); }
  std::size_t of_grains() const { return of_grains_; }  // the blocks made of grains: count() without the last one
  std::size_t first_row(std::size_t block) const {
    return grain_ * (block < of_grains_ ? begin_of_share(grains_, block, of_grains_) : grains_);
  }
  std::size_t rows(std::size_t block) const {
    return block < of_grains_ ? first_row(block + 1) - first_row(block) : left_;
  }

 private:
  std::size_t grain_, left_, grains_ = 0, of_grains_ = 0;
};

// The plan of a call: how many threads it uses, and what they share. They share blocks, unless sharing the units of
// each layer, block by block, keeps more threads busy. Then blocks are as few as for one thread: each reads all
// weights.
struct Plan {
  Plan(std::size_t rows, std::size_t whole, std::size_t vector, double work_of_row, std::size_t layers,
       std::size_t most_threads)
      : threads(threads_for(work_of_row * static_cast<double>(rows), most_threads)),
        blocks(rows, whole, vector, threads),
        shares_blocks(threads > 1 &&
                      blocks.of_grains() >= threads_for(work_of_row * static_cast<double>(std::min(rows, whole)) /
                                                            static_cast<double>(layers),
                                                        threads)) {
    if (threads > 1 && !shares_blocks) blocks = Blocks(rows, whole, vector, 1);
  }
  std::size_t threads;
  Blocks blocks;
  bool shares_blocks;
};

}  // namespace fastnn
