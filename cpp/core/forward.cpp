// Running a network: the rows of a call in blocks, each through all layers before the next, so that a block's numbers
// stay in the cache.
#include <algorithm>
#include <type_traits>

#include "dispatch.hpp"
#include "floating_point_mode.hpp"
#include "packed_network.hpp"

namespace fastnn {
namespace {

// Two blocks of scratch, a layer's inputs and its outputs, should fit a per-core L2 cache beside the weights.
constexpr std::size_t kScratchBytes = 768 * 1024;

// A thread keeps this much scratch for its next call, and gives back what a very wide network took beyond it.
constexpr std::size_t kKeptScratchBytes = 64 * 1024 * 1024;

template <class T>
const Kernels<T>& kernels_of(const KernelTable& table) {
  if constexpr (std::is_same_v<T, float>)
    return table.float32;
  else
    return table.float64;
}

// Two arrays of `size` numbers. One a thread and type.
template <class T>
class Scratch {
 public:
  explicit Scratch(std::size_t size) : size_(size) {
    if (buffer().size() >= 2 * size) return;
    buffer() = AlignedBuffer<T>();
    buffer() = AlignedBuffer<T>(2 * size);
  }
  ~Scratch() {
    if (buffer().size() * sizeof(T) > kKeptScratchBytes) buffer() = AlignedBuffer<T>();
  }
  T* first() { return buffer().data(); }
  T* second() { return buffer().data() + size_; }

 private:
  static AlignedBuffer<T>& buffer() {
    thread_local AlignedBuffer<T> buffer;
    return buffer;
  }
  std::size_t size_;
};

template <class T>
Block<const T> read_only(Block<T> b) {
  return {b.data, b.rows, b.row_stride, b.column_stride};
}

// The blocks of a call: whole vectors of rows, shared out evenly to as few blocks as may be, and the few rows that are
// left. Few rows run with units in lanes, without a transposition and with no lane idle.
struct Blocks {
  std::size_t lanes, vectors, of_vectors, few;

  Blocks(std::size_t rows, std::size_t lanes, std::size_t most_vectors)
      : lanes(lanes),
        vectors(rows / lanes),
        of_vectors((vectors + most_vectors - 1) / most_vectors),
        few(rows % lanes) {}
  std::size_t count() const { return of_vectors + (few > 0 ? 1 : 0); }
  std::size_t first_row(std::size_t block) const {
    return block < of_vectors ? vectors * block / of_vectors * lanes : vectors * lanes;
  }
  std::size_t rows(std::size_t block) const {
    return block < of_vectors ? first_row(block + 1) - first_row(block) : few;
  }
  std::size_t most_rows() const { return of_vectors > 0 ? (vectors + of_vectors - 1) / of_vectors * lanes : few; }
};

}  // namespace

// One call.
template <class T>
struct Network<T>::Forward {
  const Packed& network;
  const Kernels<T>& kernels;
  Rows<T> x;
  T* y;             // the last layer's outputs, or
  T* const* every;  // where each layer's outputs go, null where they are not wanted

  T* output(std::size_t layer) const {
    if (every != nullptr) return every[layer];
    return layer + 1 == network.layers.size() ? y : nullptr;
  }

  void run_block(std::size_t row, std::size_t rows) const;
  void run() const;
};

template <class T>
void Network<T>::Forward::run_block(std::size_t row, std::size_t rows) const {
  const bool few = rows < kernels.lanes;
  const std::ptrdiff_t row_stride = few ? network.widest : 1;
  const std::ptrdiff_t column_stride = few ? 1 : rows;
  Scratch<T> scratch(rows * network.widest);
  Block<T> current = {scratch.first(), rows, row_stride, column_stride};
  Block<T> next = {scratch.second(), rows, row_stride, column_stride};
  const DefaultFloatingPointMode mode;

  const T* first = x.data + static_cast<std::ptrdiff_t>(row) * x.row_stride;
  kernels.copy({first, rows, x.row_stride, x.column_stride}, current, network.inputs);
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    const PackedLayer<T>& layer = network.layers[i];
    kernels.layer(layer, read_only(current), next, {0, layer.units});
    if (layer.activation == Activation::softmax) kernels.softmax(next, layer.units);
    std::swap(current, next);
    if (T* to = output(i); to != nullptr)
      kernels.copy(read_only(current), {to + row * layer.units, rows, std::ptrdiff_t(layer.units), 1}, layer.units);
  }
}

template <class T>
void Network<T>::Forward::run() const {
  if (x.rows < kernels.lanes) return run_block(0, x.rows);
  const std::size_t fitting = kScratchBytes / (2 * network.widest * kernels.lanes * sizeof(T));
  const Blocks blocks(x.rows, kernels.lanes, std::clamp<std::size_t>(fitting, 1, kernels.tile_vectors));
  for (std::size_t block = 0; block < blocks.count(); ++block) run_block(blocks.first_row(block), blocks.rows(block));
}

template <class T>
void Network<T>::forward(Rows<T> x, T* y) const {
  Forward{*packed_, kernels_of<T>(active_kernels()), x, y, nullptr}.run();
}

template <class T>
void Network<T>::representations(Rows<T> x, T* const* outputs) const {
  Forward{*packed_, kernels_of<T>(active_kernels()), x, nullptr, outputs}.run();
}

template class Network<float>;
template class Network<double>;

}  // namespace fastnn
