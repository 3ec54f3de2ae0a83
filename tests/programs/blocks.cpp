// For test_blocks.py: counts how the work of a call is split, for up to 64 threads. It exits with 0, or prints the line
// of the check that failed.
#include "../../cpp/core/blocks.hpp"

#include <algorithm>
#include <vector>

#include "check.hpp"
#include "fastnn/function_ref.hpp"

using fastnn::Blocks;

namespace {

// Every row is in exactly one block. All threads get equally many blocks of grains, where there are enough; their sizes
// differ by at most one vector. The last block has the rows that fill no grain.
void check_blocks(std::size_t rows, std::size_t whole, std::size_t vector, std::size_t threads) {
  const Blocks blocks(rows, whole, vector, threads);
  std::size_t row = 0, most = 0, least = rows;
  for (std::size_t block = 0; block < blocks.count(); ++block) {
    CHECK(blocks.first_row(block) == row && blocks.rows(block) > 0);
    CHECK(blocks.rows(block) <= std::min(whole, blocks.rows(0)));
    row += blocks.rows(block);
    if (block == blocks.of_grains()) continue;  // the last block of remaining rows
    most = std::max(most, blocks.rows(block));
    least = std::min(least, blocks.rows(block));
  }
  CHECK(row == rows);
  if (rows < whole) CHECK(blocks.count() == (rows > 0 ? 1 : 0));
  if (threads == 1) CHECK(blocks.count() == (rows + whole - 1) / whole);
  if (threads == 1 || blocks.of_grains() == 0) return;
  CHECK(most - least <= vector);
  CHECK(blocks.of_grains() % threads == 0 || blocks.of_grains() == rows / vector);
}

// Returns the largest load of a thread, when each part in turn goes to the thread with the least load so far.
std::size_t most_of_thread(std::size_t parts, std::size_t threads, fastnn::FunctionRef<std::size_t(std::size_t)> size) {
  std::vector<std::size_t> loads(threads);
  for (std::size_t part = 0; part < parts; ++part) *std::min_element(loads.begin(), loads.end()) += size(part);
  return *std::max_element(loads.begin(), loads.end());
}

// No thread gets more than an equal part of the work plus what cannot be split: a vector of rows and the remaining
// rows, or a panel of units. A small call runs on one thread. Blocks whose units are shared are as few as for one
// thread, since each reads all weights.
void check_balance(std::size_t rows, std::size_t units, std::size_t whole, std::size_t vector,
                   std::size_t most_threads) {
  constexpr std::size_t kPanel = 16, kLayers = 3;
  const double work_of_layer = static_cast<double>(units * units);
  const fastnn::Plan plan(rows, whole, vector, kLayers * work_of_layer, kLayers, most_threads);
  const double work = kLayers * work_of_layer * static_cast<double>(rows);
  CHECK(plan.threads <= most_threads);
  CHECK(plan.threads == 1 || work / static_cast<double>(plan.threads) >= fastnn::kWorkOfAThread);
  const double work_of_block = work_of_layer * static_cast<double>(std::min(rows, whole));
  const std::size_t threads_of_layer = fastnn::threads_for(work_of_block, plan.threads);
  if (plan.shares_blocks) {
    const auto size = [&](std::size_t block) { return plan.blocks.rows(block); };
    const std::size_t busy = std::min(plan.threads, plan.blocks.of_grains());
    CHECK(busy >= threads_of_layer);
    CHECK(most_of_thread(plan.blocks.count(), plan.threads, size) <= rows / busy + 2 * vector);
  } else {
    const std::size_t panels = (units + kPanel - 1) / kPanel;
    const std::size_t parts = fastnn::parts_of_layer(panels, work_of_block, threads_of_layer);
    const auto size = [&](std::size_t part) {
      return fastnn::begin_of_share(panels, part + 1, parts) - fastnn::begin_of_share(panels, part, parts);
    };
    CHECK(plan.blocks.count() == (rows + whole - 1) / whole);
    CHECK(plan.threads == 1 || Blocks(rows, whole, vector, plan.threads).of_grains() < threads_of_layer);
    CHECK(most_of_thread(parts, threads_of_layer, size) <= panels / threads_of_layer + 1);
  }
}

}  // namespace

int main() {
  for (const std::size_t vector : {1, 2, 4, 8, 16})  // vectors of all instruction sets and both types
    for (const std::size_t whole : {vector, 3 * vector, 24 * vector})
      for (const std::size_t threads : {1, 2, 3, 7, 8, 64}) {
        for (std::size_t rows = 0; rows < 20'000; rows += rows < 2000 ? 1 : 331)
          check_blocks(rows, whole, vector, threads);
        for (const std::size_t units : {10, 100, 256, 1000, 4096})
          for (std::size_t rows = 1; rows < 100'000; rows += 1 + rows / 7)
            check_balance(rows, units, whole, vector, threads);
      }
}
