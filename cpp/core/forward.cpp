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

// Two arrays of `size` numbers, in what the thread has left from its call before. While they are in use another call on
// this thread, by a signal's handler, finds nothing and takes its own.
template <class T>
class Scratch {
 public:
  explicit Scratch(std::size_t size) : size_(size) {
    buffer_.swap(left());
    if (buffer_.size() >= 2 * size) return;
    buffer_ = AlignedBuffer<T>();
    buffer_ = AlignedBuffer<T>(2 * size);
  }
  ~Scratch() {
    if (buffer_.size() * sizeof(T) <= kKeptScratchBytes) buffer_.swap(left());
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  T* first() { return buffer_.data(); }
  T* second() { return buffer_.data() + size_; }

 private:
  static AlignedBuffer<T>& left() {
    thread_local AlignedBuffer<T> buffer;
    return buffer;
  }
  std::size_t size_;
  AlignedBuffer<T> buffer_;
};

}  // namespace

// One call.
template <class T>
class Network<T>::Forward {
 public:
  // Outputs of the last layer go to y or, when `every` is not null, those of layer i to every[i] unless that is null.
  Forward(const Packed& network, Rows<T> x, T* y, T* const* every, FunctionRef<bool()> go_on, std::size_t most_threads)
      : network_(network),
        kernels_(active_kernels<T>()),
        x_(x),
        y_(y),
        every_(every),
        go_on_(go_on),
        plan_(x.rows, whole_rows(), std::min(kernels_.lanes, network.most_rows), network.work, network.layers.size(),
              most_threads),
        is_long_(plan_.threads > 1 || network.work * static_cast<double>(x.rows) >= kWorkOfAPart) {}

  // False when go_on said so.
  bool run();

  const Blocks& blocks() const { return plan_.blocks; }

 private:
  bool run_block(std::size_t row, std::size_t rows, std::size_t threads);
  void run_layer(const PackedLayer<T>& layer, const Block<const T>& x, const Block<T>& y, std::size_t threads);
  bool going_on(double work = kWorkOfAQuestion);

  std::size_t tile_rows() const { return kernels_.tile_vectors * kernels_.lanes; }

  // Of a block, at most: whole vectors where their scratch may be kept.
  std::size_t whole_rows() const {
    const std::size_t most = network_.most_rows, lanes = kernels_.lanes;
    return most < lanes ? most : std::min(tile_rows(), most / lanes * lanes);
  }

  // Fewer rows run with units in lanes. Those of narrow networks leave most lanes idle: rather a vector of rows that is
  // half full, whose other lanes compute with what is left in the scratch, and nobody reads it.
  std::size_t few_rows() const {
    return network_.narrow && network_.most_rows >= kernels_.lanes ? kernels_.lanes / 2 : tile_rows();
  }

  T* output(std::size_t layer) const {
    if (every_ != nullptr) return every_[layer];
    return layer + 1 == network_.layers.size() ? y_ : nullptr;
  }

  const Packed& network_;
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
bool Network<T>::Forward::run_block(std::size_t row, std::size_t rows, std::size_t threads) {
  const bool few = rows < few_rows();
  const std::size_t padded = few ? rows : round_up(rows, kernels_.lanes);
  const std::ptrdiff_t row_stride = few ? network_.widest : 1, column_stride = few ? 1 : padded;
  const auto written = [&](T* data) { return Block<T>{data, rows, row_stride, column_stride}; };
  const auto read = [&](const T* data) { return Block<const T>{data, rows, row_stride, column_stride}; };
  Scratch<T> scratch(padded * network_.widest);
  T *here = scratch.first(), *there = scratch.second();
  const DefaultFloatingPointMode mode;

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
    if (takes_whole_rows(layer.activation)) kernels_.whole_rows(layer, written(there));
    x = read(there);
    if (T* to = output(i); to != nullptr)
      kernels_.copy(x, {to + row * layer.units, rows, std::ptrdiff_t(layer.units), 1}, layer.units);
    std::swap(here, there);
  }
  return true;
}

template <class T>
bool Network<T>::Forward::run() {
  const Blocks& blocks = plan_.blocks;
  if (plan_.shares_blocks) {
    const auto run_one = [&](std::size_t block) { run_block(blocks.first_row(block), blocks.rows(block), 1); };
    share(blocks.count(), plan_.threads, run_one, [this] { return going_on(); });
    return !stopped_;
  }
  for (std::size_t block = 0; block < blocks.count(); ++block)
    if (!run_block(blocks.first_row(block), blocks.rows(block), plan_.threads)) return false;
  return true;
}

template <class T>
std::size_t Network<T>::blocks(std::size_t rows) const {
  return Forward(*packed_, {nullptr, rows, 0}, nullptr, nullptr, {}, 1).blocks().count();
}

template <class T>
bool Network<T>::forward(Rows<T> x, T* y, FunctionRef<bool()> go_on) const {
  return Forward(*packed_, x, y, nullptr, go_on, num_threads()).run();
}

template <class T>
bool Network<T>::representations(Rows<T> x, T* const* outputs, FunctionRef<bool()> go_on) const {
  return Forward(*packed_, x, nullptr, outputs, go_on, num_threads()).run();
}

template class Network<float>;
template class Network<double>;

}  // namespace fastnn
