// The door between the two objects of an instruction set: its element-wise activations, as the other kernels call them,
// and the vectors of a block that they run over.
#pragma once

#include <utility>

#include "../core/kernel_table.hpp"
#include "simd.hpp"

namespace fastnn::FASTNN_ISA {

// Applies a layer's element-wise activation to some units of a block, in place.
template <class T>
using Activate = void (*)(const PackedLayer<T>&, const Block<T>& y, Range units);

struct ElementwiseTable {
  Activate<float> float32;
  Activate<double> float64;
};

extern const ElementwiseTable kElementwise;

namespace {

constexpr auto kActivationNumbers = std::make_integer_sequence<int, kActivationCount>{};

// Calls apply(data, step, vectors) for runs of vectors of some units of a block, `step` elements apart, of which apply
// takes `together` at a time. It may take any that the block has room for: computing on padding is cheaper than a
// remainder loop, and nothing reads the result.
template <class T, class Apply>
void for_each_run(const Block<T>& y, Range units, std::size_t together, const Apply& apply) {
  // Up to so many vectors of a row, if they do not divide evenly, are taken with those of the next rows. Beyond, one in
  // nine or more that runs alone costs less than reading line after line of the same column.
  constexpr std::size_t kFewVectors = 7;
  T* const data = y.data + stride(units.first) * y.column_stride;
  const std::size_t columns = units.last - units.first;
  const std::size_t vectors = (columns + kLanes<T> - 1) / kLanes<T>;
  if (y.column_stride != 1)
    apply(data, kLanes<T>, columns * static_cast<std::size_t>(y.column_stride) / kLanes<T>);
  else if (vectors % together != 0 && vectors <= kFewVectors)
    for (std::size_t i = 0; i < vectors; ++i) apply(data + i * kLanes<T>, y.row_stride, y.rows);
  else
    for (std::size_t r = 0; r < y.rows; ++r) apply(data + stride(r) * y.row_stride, kLanes<T>, vectors);
}

}  // namespace
}  // namespace fastnn::FASTNN_ISA
