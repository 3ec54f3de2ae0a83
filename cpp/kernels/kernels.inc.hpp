// The kernels of one instruction set, FASTNN_ISA. The .cpp file of the set defines that name and includes this one.
// Everything has internal linkage but kTable, the only symbol that leaves the object file (test_objects.py).
#include "activate.hpp"
#include "copy.hpp"
#include "dense.hpp"
#include "derivatives.hpp"
#include "elementwise.hpp"
#include "gradient.hpp"
#include "losses.hpp"
#include "probes.hpp"
#include "propagate.hpp"
#include "tanh_by_fours.hpp"
#include "transpose.hpp"
#include "update.hpp"
#include "whole_rows_backward.hpp"

namespace fastnn::FASTNN_ISA {
namespace {

template <class T, int C>
void dense(const PackedLayer<T>& layer, const Block<const T>& x, const Block<T>& y, Range units) {
  if (x.column_stride != 1)
    dense_rows_in_lanes<T, C>(layer, x, y, units);
  else if constexpr (C == kMostChains)
    dots_units_in_lanes<T>(layer, x, y);
  else if constexpr (C == 4)
    dense_of_few_units<T>(layer, x, y, units);
  else
    dense_of_panels<T, C>(layer, x, y, units);
}

// The tiles have applied relu.
template <class T>
void activate(const PackedLayer<T>& layer, const Block<T>& y, Range units) {
  if (layer.activation == Activation::linear || takes_whole_rows(layer.activation)) return;
  if (layer.activation == Activation::relu && layer.kernel != nullptr) return;
  if (layer.activation == Activation::tanh && apply_tanh_by_fours(y, units)) return;
  if constexpr (sizeof(T) == 4)
    kElementwise.float32(layer, y, units);
  else
    kElementwise.float64(layer, y, units);
}

template <class T>
void run_layer(const PackedLayer<T>& layer, const Block<const T>& x, const Block<T>& y, Range units) {
  if (layer.kernel == nullptr) {
    const auto from_first = [&](auto block) {
      block.data += stride(units.first) * block.column_stride;
      return block;
    };
    copy<T>(from_first(x), from_first(y), units.last - units.first);
    return activate(layer, y, units);
  }
  if (layer.chains == kMostChains)
    dense<T, kMostChains>(layer, x, y, units);
  else if (layer.chains == 4)
    dense<T, 4>(layer, x, y, units);
  else if (layer.chains == 2)
    dense<T, 2>(layer, x, y, units);
  else
    dense<T, 1>(layer, x, y, units);
  activate(layer, y, units);
}

template <class T>
constexpr Kernels<T> kKernels = {
    kLanes<T>,     kMostVectors<1>, kMostChainsOfAnswers, run_layer<T>,        whole_rows<T>,          copy<T>,
    gradient<T>,   column_sums<T>,  add_scaled<T>,        transpose_kernel<T>, propagate_or_null<T>(), update<T>,
    derive<T>,     loss<T>,         factors<T>,           backward<T>,         batch_backward<T>,      centre<T>,
    fma_chains<T>, read<T>};

}  // namespace

extern constexpr KernelTable kTable = {kKernels<float>, kKernels<double>};

}  // namespace fastnn::FASTNN_ISA
