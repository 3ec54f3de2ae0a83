// Runs a network. The rows of a call are split into blocks (blocks.hpp), and each block passes through all layers
// before the next begins, so that a block's numbers are read soon after they were written. Threads share the blocks or,
// where that keeps more of them busy, the units of each layer.
#include <algorithm>
#include <atomic>
#include <thread>
#include <utility>

#include "blocks.hpp"
#include "dispatch.hpp"
#include "fastnn/threads.hpp"
#include "floating_point_mode.hpp"
#include "packed_network.hpp"
#include "scratch.hpp"
#include "shared_work.hpp"
#include "thread_pool.hpp"

namespace fastnn {
namespace {

// A block has the rows of one tile, or of several where their scratch stays in level 1: beginning and ending a block
// takes as long as some rows of a small network. A head alone reads rows where they lie, and uses little of its
// scratch; with more inputs, its blocks take so long that their ends do not matter, but few blocks would leave threads
// idle.
constexpr std::size_t kBlockBytes = 24 * 1024, kBlockBytesOfHead = 1024 * 1024;
constexpr std::size_t kMostTiles = 8;

// A tile writes a piece of several rows; the copy writes whole rows, which the CPU foresees. Larger answers come from
// memory, where that counts: 11 MB written by tiles took 1.4 times as long (Zen 4).
constexpr std::size_t kMostBytesOfAnswers = std::size_t{4} << 20;

constexpr std::ptrdiff_t stride(std::size_t elements) { return static_cast<std::ptrdiff_t>(elements); }

}  // namespace

// One call of forward, representations or Prepared::predict.
template <class T>
class Network<T>::Forward {
 public:
  // If `every` is null, the output of the last layer goes to y. Otherwise the output of layer i goes to every[i], if
  // that is not null. A block has at most most_rows rows, and at most as many as Packed::most_rows.
  Forward(const Packed& network, Rows<T> x, T* y, T* const* every, FunctionRef<bool()> go_on, std::size_t most_threads,
          std::size_t most_rows = std::size_t(-1))
      : network_(network),
        most_rows_(std::min(network.most_rows, most_rows)),
        kernels_(active_kernels<T>()),
        x_(x),
        y_(y),
        every_(every),
        go_on_(go_on),
        plan_(x.rows, most_rows_of_block(), std::min(kernels_.lanes, most_rows_), network.work, network.layers.size(),
              most_threads),
        is_long_(plan_.threads > 1 || network.work * static_cast<double>(x.rows) >= kWorkOfAPart) {}

  // Returns false if go_on returned false.
  bool run();

  // Runs on this thread alone. `scratch` has room for a block of most_rows rows.
  void run_in(T* scratch);

  const Blocks& blocks() const { return plan_.blocks; }

 private:
  bool run_block(std::size_t block, std::size_t threads, T* scratch);
  void run_layer(const PackedLayer<T>& layer, const Block<const T>& x, const Block<T>& y, std::size_t threads);
  bool going_on(double work = kWorkOfAQuestion);

  std::size_t tile_rows() const { return kernels_.tile_vectors * kernels_.lanes; }

  std::size_t tiles_of_block() const {
    if (x_.rows <= tile_rows()) return 1;  // without the division below, which takes as long as a small layer
    const bool reads_in_place = network_.layers.size() == 1 && network_.layers[0].is_head() && x_.column_stride == 1;
    const std::size_t most = reads_in_place ? kBlockBytesOfHead : kBlockBytes;
    return std::clamp<std::size_t>(most / (2 * tile_rows() * network_.widest * sizeof(T)), 1, kMostTiles);
  }

  // The rows of some tiles, or as many full vectors as most_rows allows (less than one if it must).
  std::size_t most_rows_of_block() const {
    const std::size_t lanes = kernels_.lanes;
    return most_rows_ < lanes ? most_rows_ : std::min(tiles_of_block() * tile_rows(), most_rows_ / lanes * lanes);
  }

  // Blocks of few rows run with units in lanes. So does every block of less than half a vector of rows, and one whose
  // scratch has no room for a whole vector.
  bool are_few(std::size_t rows) const {
    if (rows >= tile_rows()) return false;
    return rows < kernels_.lanes / 2 || most_rows_ < kernels_.lanes || !network_.layouts.pay(rows, kernels_.lanes);
  }

  // Rows that a block of `rows` rows occupies in scratch, at most most_rows. Those that fill a vector of rows hold
  // leftovers; the kernels compute with them, and nothing reads the results.
  std::size_t padded(std::size_t rows) const { return are_few(rows) ? rows : round_up(rows, kernels_.lanes); }

  T* output(std::size_t layer) const {
    if (every_ != nullptr) return every_[layer];
    return layer + 1 == network_.layers.size() ? y_ : nullptr;
  }

  const Packed& network_;
  const std::size_t most_rows_;
  const Kernels<T>& kernels_;
  const Rows<T> x_;
  T* const y_;
  T* const* const every_;
  const FunctionRef<bool()> go_on_;
  const Plan plan_;
  const bool is_long_;  // long enough to share between threads or to interrupt
  const std::thread::id caller_ = std::this_thread::get_id();
  double work_since_asked_ = 0;  // multiply-adds on the calling thread since the last call of go_on
  std::atomic<bool> stopped_{false};
};

// Every thread calls this between parts. The calling thread forwards the question to go_on, at most once per
// kWorkOfAQuestion multiply-adds.
template <class T>
bool Network<T>::Forward::going_on(double work) {
  if (stopped_.load(std::memory_order_relaxed)) return false;  // go_on is never called again after it returned false
  if (!go_on_ || std::this_thread::get_id() != caller_) return true;
  work_since_asked_ += work;
  if (work_since_asked_ < kWorkOfAQuestion) return true;
  work_since_asked_ = 0;
  if (go_on_()) return true;
  stopped_.store(true, std::memory_order_relaxed);
  return false;
}

// Runs one layer on up to `threads` threads. A part is a range of full panels.
template <class T>
void Network<T>::Forward::run_layer(const PackedLayer<T>& layer, const Block<const T>& x, const Block<T>& y,
                                    std::size_t threads) {
  const double work = static_cast<double>(x.rows) * layer.work;
  share_layer(kernels_, layer, x, y, work, threads_for(work, threads), [this] { return going_on(); });
}

template <class T>
bool Network<T>::Forward::run_block(std::size_t block, std::size_t threads, T* scratch) {
  const std::size_t row = plan_.blocks.first_row(block), rows = plan_.blocks.rows(block);
  const bool few = are_few(rows);
  T *here = scratch, *there = scratch + padded(rows) * network_.widest;
  // Returns a block of scratch memory.
  const auto block_at = [&](T* data, Layout layout) {
    if (layout == Layout::rows_in_lanes) return Block<T>{data, rows, 1, stride(padded(rows))};
    return Block<T>{data, rows, stride(network_.widest), 1};
  };
  const auto read = [](const Block<T>& y) { return Block<const T>{y.data, y.rows, y.row_stride, y.column_stride}; };

  Block<const T> x = {x_.data + stride(row) * x_.row_stride, rows, x_.row_stride, x_.column_stride};
  bool are_packed = false;  // the answers: rows lie side by side without a gap
  bool in_place = true;     // x is the caller's, whose columns need not be whole vectors of rows
  for (std::size_t i = 0; i < network_.layers.size(); ++i) {
    const PackedLayer<T>& layer = network_.layers[i];
    T* const outputs = output(i) == nullptr ? nullptr : output(i) + row * layer.units;
    const bool is_last = i + 1 == network_.layers.size();
    if (!layer.is_identity()) {
      const Layout layout = few ? Layout::units_in_lanes : network_.layouts.of_inputs[i];
      const bool fits = layout == Layout::units_in_lanes ? x.column_stride == 1 : x.row_stride == 1 && !in_place;
      if (!fits) {
        const Block<T> moved = block_at(there, layout);
        kernels_.copy(x, moved, layer.inputs);
        x = read(moved);
        in_place = false;
        std::swap(here, there);
      }
      Block<T> y = block_at(there, few ? layout : layout_of_outputs(layer, layout));
      // A head's answers may lie as they will in the array, unless an activation takes whole vectors of them.
      are_packed = layer.is_head() && layout == Layout::units_in_lanes && is_last && layer.tiles_activate();
      if (are_packed) y = {there, rows, stride(layer.units), 1};
      const bool are_answers = is_last && outputs != nullptr && layout == Layout::units_in_lanes &&
                               layer.tiles_answer(kernels_.most_chains_of_answers) &&
                               x_.rows <= kMostBytesOfAnswers / (layer.units * sizeof(T));
      if (are_answers) y = {outputs, rows, stride(layer.units), 1, true};
      if (is_long_)
        run_layer(layer, x, y, threads);
      else
        kernels_.layer(layer, x, y, {0, layer.units});
      if (is_long_ && !going_on(static_cast<double>(rows) * layer.work)) return false;
      if (are_answers) return true;  // the tiles of the last layer have written them
      if (layer.takes_whole_rows) kernels_.whole_rows(layer, y);
      x = read(y);
      in_place = false;
      std::swap(here, there);
    }
    if (outputs != nullptr) {
      const std::size_t numbers = rows * layer.units;
      if (are_packed)
        kernels_.copy({x.data, 1, stride(numbers), 1}, {outputs, 1, stride(numbers), 1}, numbers);
      else
        kernels_.copy(x, {outputs, rows, stride(layer.units), 1}, layer.units);
    }
  }
  return true;
}

template <class T>
bool Network<T>::Forward::run() {
  if (x_.rows > network_.rows_that_fit) throw Error(kTooManyRows);
  const Blocks& blocks = plan_.blocks;
  if (plan_.shares_blocks) {
    const auto run_one = [&](std::size_t block) {
      Scratch<T> scratch(2 * padded(blocks.rows(block)) * network_.widest);
      run_block(block, 1, scratch.data());
    };
    share(blocks.count(), plan_.threads, run_one, [this] { return going_on(); });
    return !stopped_;
  }
  Scratch<T> scratch(2 * padded(blocks.rows(0)) * network_.widest);  // no block is larger than the first
  for (std::size_t block = 0; block < blocks.count(); ++block)
    if (!run_block(block, plan_.threads, scratch.data())) return false;
  return true;
}

template <class T>
void Network<T>::Forward::run_in(T* scratch) {
  for (std::size_t block = 0; block < plan_.blocks.count(); ++block) run_block(block, 1, scratch);
}

template <class T>
std::size_t Network<T>::blocks(std::size_t rows) const {
  const DefaultFloatingPointMode mode;
  return Forward(*packed_, {nullptr, rows, 0}, nullptr, nullptr, {}, 1).blocks().count();
}

template <class T>
bool Network<T>::forward(Rows<T> x, T* y, FunctionRef<bool()> go_on) const {
  const DefaultFloatingPointMode mode;
  return Forward(*packed_, x, y, nullptr, go_on, num_threads()).run();
}

template <class T>
bool Network<T>::representations(Rows<T> x, T* const* outputs, FunctionRef<bool()> go_on) const {
  const DefaultFloatingPointMode mode;
  return Forward(*packed_, x, nullptr, outputs, go_on, num_threads()).run();
}

template <class T>
std::size_t Network<T>::scratch_size(std::size_t rows) const {
  const Kernels<T>& kernels = active_kernels<T>();
  const std::size_t block = std::min({rows, packed_->most_rows, kernels.tile_vectors * kernels.lanes});
  return 2 * packed_->widest * std::min(round_up(block, kernels.lanes), packed_->most_rows);
}

template <class T>
void Network<T>::forward_in(T* scratch, std::size_t size, Rows<T> x, T* y) const noexcept {
  const DefaultFloatingPointMode mode;
  Forward(*packed_, x, y, nullptr, {}, 1, size / (2 * packed_->widest)).run_in(scratch);
}

template class Network<float>;
template class Network<double>;

}  // namespace fastnn
