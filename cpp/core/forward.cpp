// Running a network: the rows of a call in blocks, each through all layers before the next, so that a block's numbers
// stay in the cache. Threads share out the blocks, or, when there are fewer blocks than threads, the units of each
// layer.
#include <algorithm>
#include <atomic>
#include <thread>
#include <utility>

#include "blocks.hpp"
#include "dispatch.hpp"
#include "fastnn/threads.hpp"
#include "floating_point_mode.hpp"
#include "packed_network.hpp"
#include "thread_pool.hpp"

namespace fastnn {
namespace {

// So many numbers, in what the thread has left from its call before. While they are in use another call on this thread,
// by a signal's handler, finds nothing and takes its own.
template <class T>
class Scratch {
 public:
  explicit Scratch(std::size_t size) {
    if (AlignedBuffer<T>* kept = left()) buffer_.swap(*kept);
    if (buffer_.size() >= size) return;
    buffer_ = AlignedBuffer<T>();
    buffer_ = AlignedBuffer<T>(size);
  }
  ~Scratch() {
    if (buffer_.size() * sizeof(T) > kKeptScratchBytes) return;
    if (AlignedBuffer<T>* kept = left()) buffer_.swap(*kept);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  T* data() { return buffer_.data(); }

 private:
  // Null once the thread has destroyed it at its end, where destructors of others may still call.
  static AlignedBuffer<T>* left() {
    thread_local bool ended = false;
    struct Left {
      AlignedBuffer<T> buffer;
      ~Left() { ended = true; }
    };
    if (ended) return nullptr;  // before the definition, which may not be passed again
    thread_local Left left;
    return &left.buffer;
  }
  AlignedBuffer<T> buffer_;
};

}  // namespace

// One call.
template <class T>
class Network<T>::Forward {
 public:
  // Outputs of the last layer go to y or, when `every` is not null, those of layer i to every[i] unless that is null.
  // A block has most_rows at most, and as many as may be kept.
  Forward(const Packed& network, Rows<T> x, T* y, T* const* every, FunctionRef<bool()> go_on, std::size_t most_threads,
          std::size_t most_rows = std::size_t(-1))
      : network_(network),
        most_rows_(std::min(network.most_rows, most_rows)),
        kernels_(active_kernels<T>()),
        x_(x),
        y_(y),
        every_(every),
        go_on_(go_on),
        plan_(x.rows, whole_rows(), std::min(kernels_.lanes, most_rows_), network.work, network.layers.size(),
              most_threads),
        is_long_(plan_.threads > 1 || network.work * static_cast<double>(x.rows) >= kWorkOfAPart) {}

  // False when go_on said so.
  bool run();

  // On this thread alone, in memory for a block of most_rows.
  void run_in(T* scratch);

  const Blocks& blocks() const { return plan_.blocks; }

 private:
  bool run_block(std::size_t block, std::size_t threads);
  bool run_block_in(std::size_t block, std::size_t threads, T* scratch);
  void run_layer(const PackedLayer<T>& layer, const Block<const T>& x, const Block<T>& y, std::size_t threads);
  bool going_on(double work = kWorkOfAQuestion);

  std::size_t tile_rows() const { return kernels_.tile_vectors * kernels_.lanes; }

  // Of a block, at most: whole vectors where their scratch may be kept.
  std::size_t whole_rows() const {
    const std::size_t lanes = kernels_.lanes;
    return most_rows_ < lanes ? most_rows_ : std::min(tile_rows(), most_rows_ / lanes * lanes);
  }

  // Fewer rows run with units in lanes. Those of narrow networks leave most lanes idle: rather a vector of rows that is
  // half full, whose other lanes compute with what is left in the scratch, and nobody reads it.
  std::size_t few_rows() const {
    return network_.narrow && most_rows_ >= kernels_.lanes ? kernels_.lanes / 2 : tile_rows();
  }

  // Of a block in memory; most_rows at most.
  std::size_t padded(std::size_t rows) const { return rows < few_rows() ? rows : round_up(rows, kernels_.lanes); }

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
  const bool is_long_;  // long enough to be shared between threads, or to be interrupted
  const std::thread::id caller_ = std::this_thread::get_id();
  double work_since_asked_ = 0;  // on the calling thread
  std::atomic<bool> stopped_{false};
};

// Every thread asks between parts, after so much work; the calling thread passes it on, when it is worth it.
template <class T>
bool Network<T>::Forward::going_on(double work) {
  if (stopped_.load(std::memory_order_relaxed)) return false;  // go_on is not asked again once it said false
  if (!go_on_ || std::this_thread::get_id() != caller_) return true;
  work_since_asked_ += work;
  if (work_since_asked_ < kWorkOfAQuestion) return true;
  work_since_asked_ = 0;
  if (go_on_()) return true;
  stopped_.store(true, std::memory_order_relaxed);
  return false;
}

// In parts of whole panels of units, on up to so many threads.
template <class T>
void Network<T>::Forward::run_layer(const PackedLayer<T>& layer, const Block<const T>& x, const Block<T>& y,
                                    std::size_t threads) {
  const double work = static_cast<double>(x.rows) * layer.work;
  threads = threads_for(work, threads);
  const std::size_t panels = (layer.units + kPanelUnits<T> - 1) / kPanelUnits<T>;
  const std::size_t parts = parts_of_layer(panels, work, threads);
  const auto run_part = [&](std::size_t part) {
    const DefaultFloatingPointMode mode;
    const std::size_t first = begin_of_share(panels, part, parts) * kPanelUnits<T>;
    const std::size_t last = begin_of_share(panels, part + 1, parts) * kPanelUnits<T>;
    kernels_.layer(layer, x, y, {first, std::min(last, layer.units)});
  };
  share(parts, threads, run_part, [this] { return going_on(); });
}

template <class T>
bool Network<T>::Forward::run_block(std::size_t block, std::size_t threads) {
  Scratch<T> scratch(2 * padded(plan_.blocks.rows(block)) * network_.widest);
  return run_block_in(block, threads, scratch.data());
}

template <class T>
bool Network<T>::Forward::run_block_in(std::size_t block, std::size_t threads, T* scratch) {
  const std::size_t row = plan_.blocks.first_row(block), rows = plan_.blocks.rows(block);
  const bool few = rows < few_rows();
  const std::ptrdiff_t row_stride = few ? network_.widest : 1, column_stride = few ? 1 : padded(rows);
  const auto written = [&](T* data) { return Block<T>{data, rows, row_stride, column_stride}; };
  const auto read = [&](const T* data) { return Block<const T>{data, rows, row_stride, column_stride}; };
  T *here = scratch, *there = scratch + padded(rows) * network_.widest;

  Block<const T> x = {x_.data + static_cast<std::ptrdiff_t>(row) * x_.row_stride, rows, x_.row_stride,
                      x_.column_stride};
  if (!few || x.column_stride != 1 || !network_.layers[0].reads_in_place()) {
    kernels_.copy(x, written(here), network_.inputs);
    x = read(here);
  }
  for (std::size_t i = 0; i < network_.layers.size(); ++i) {
    const PackedLayer<T>& layer = network_.layers[i];
    if (is_long_)
      run_layer(layer, x, written(there), threads);
    else
      kernels_.layer(layer, x, written(there), {0, layer.units});
    if (is_long_ && !going_on(static_cast<double>(rows) * layer.work)) return false;
    if (layer.takes_whole_rows) kernels_.whole_rows(layer, written(there));
    x = read(there);
    if (T* to = output(i); to != nullptr)
      kernels_.copy(x, {to + row * layer.units, rows, std::ptrdiff_t(layer.units), 1}, layer.units);
    std::swap(here, there);
  }
  return true;
}

template <class T>
bool Network<T>::Forward::run() {
  if (x_.rows > network_.rows_that_fit) throw Error(kTooManyRows);
  const Blocks& blocks = plan_.blocks;
  if (plan_.shares_blocks) {
    const auto run_one = [&](std::size_t block) {
      const DefaultFloatingPointMode mode;
      run_block(block, 1);
    };
    share(blocks.count(), plan_.threads, run_one, [this] { return going_on(); });
    return !stopped_;
  }
  for (std::size_t block = 0; block < blocks.count(); ++block)
    if (!run_block(block, plan_.threads)) return false;
  return true;
}

template <class T>
void Network<T>::Forward::run_in(T* scratch) {
  for (std::size_t block = 0; block < plan_.blocks.count(); ++block) run_block_in(block, 1, scratch);
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
