// How the rows of a call are cut into blocks, for one thread or 64.
#pragma once

#include <algorithm>
#include <cstddef>

namespace fastnn {

// Whole vectors of rows, shared out evenly to as many blocks for every thread, and the few rows that are left. The
// first block is one of the largest: its scratch serves for all. Few rows run with units in lanes, without a
// transposition and with no lane idle.
class Blocks {
 public:
  // `lanes` rows in a vector, at most `most_vectors` in a block.
  Blocks(std::size_t rows, std::size_t lanes, std::size_t most_vectors, std::size_t threads)
      : lanes_(lanes), vectors_(rows / lanes), few_(rows % lanes) {
    const std::size_t fewest = (vectors_ + most_vectors - 1) / most_vectors;
    of_vectors_ = std::min(vectors_, (fewest + threads - 1) / threads * threads);
  }

  std::size_t count() const { return of_vectors_ + (few_ > 0 ? 1 : 0); }
  std::size_t of_vectors() const { return of_vectors_; }  // all but that of the few rows
  std::size_t first_row(std::size_t block) const {
    if (block >= of_vectors_) return vectors_ * lanes_;
    return (vectors_ * block + of_vectors_ - 1) / of_vectors_ * lanes_;
  }
  std::size_t rows(std::size_t block) const {
    return block < of_vectors_ ? first_row(block + 1) - first_row(block) : few_;
  }

 private:
  std::size_t lanes_, vectors_, few_, of_vectors_;
};

}  // namespace fastnn
