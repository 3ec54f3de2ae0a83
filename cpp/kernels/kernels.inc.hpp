// The kernels of one instruction set, FASTNN_ISA: everything above with internal linkage, and the table that leaves.
#include "activations.hpp"
#include "dense.hpp"
#include "probes.hpp"

namespace fastnn::FASTNN_ISA {
namespace {

template <class T>
void copy(Block<const T> from, Block<T> to, std::size_t columns) {
  const auto element = [&](std::size_t r, std::size_t c) FASTNN_INLINE_LAMBDA {
    const T x = from.data[stride(r) * from.row_stride + stride(c) * from.column_stride];
    // NaNs differ in sign and payload between CPUs; fastnn has one.
    to.data[stride(r) * to.row_stride + stride(c) * to.column_stride] = x == x ? x : static_cast<T>(__builtin_nan(""));
  };
  if (to.row_stride == 1)
    for (std::size_t c = 0; c < columns; ++c)
      for (std::size_t r = 0; r < from.rows; ++r) element(r, c);
  else
    for (std::size_t r = 0; r < from.rows; ++r)
      for (std::size_t c = 0; c < columns; ++c) element(r, c);
}

template <class T, Lanes kInLanes, int C>
void dense(const PackedLayer<T>& layer, Block<const T> x, Block<T> y) {
  if constexpr (kInLanes == Lanes::units)
    dense_units_in_lanes<T, C>(layer, x, y);
  else
    dense_rows_in_lanes<T, C>(layer, x, y);
}

template <class T, Lanes kInLanes>
void run_layer(const PackedLayer<T>& layer, Block<const T> x, Block<T> y) {
  if (layer.weights == nullptr)
    copy<T>(x, y, layer.units);
  else if (layer.chains == kMostChains)
    dense<T, kInLanes, kMostChains>(layer, x, y);
  else if (layer.chains == 4)
    dense<T, kInLanes, 4>(layer, x, y);
  else if (layer.chains == 2)
    dense<T, kInLanes, 2>(layer, x, y);
  else
    dense<T, kInLanes, 1>(layer, x, y);
  activate<T, kInLanes>(layer.activation, y, layer.units);
}

template <class T>
constexpr Kernels<T> kKernels = {
    kLanes<T>, kTileVectors, run_layer<T, Lanes::units>, run_layer<T, Lanes::rows>, copy<T>, fma_chains<T>, read<T>};

}  // namespace

extern constexpr KernelTable kTable = {kKernels<float>, kKernels<double>};

}  // namespace fastnn::FASTNN_ISA
