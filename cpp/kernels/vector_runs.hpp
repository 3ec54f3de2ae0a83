// The vectors of a block, for functions that run over them one after the other or some at a time.
#pragma once

#include "../core/kernel_table.hpp"
#include "simd.hpp"

namespace fastnn::FASTNN_ISA {
namespace {

// Calls apply(data, step, vectors) for runs of vectors of some units of a block, `step` elements apart. It takes
// `together` of them at a time, and those that are left one by one. Padding is taken too: computing on it is cheaper
// than a remainder loop, and nothing reads the result.
template <class T, class Apply>
void for_each_vector_run(const Block<T>& y, Range units, std::size_t together, const Apply& apply) {
  constexpr std::size_t kFewVectors = 7;  // more of a row are read line by line, not column by column
  T* const data = y.data + stride(units.first) * y.column_stride;
  const std::size_t columns = units.last - units.first;
  const std::size_t vectors = (columns + kLanes<T> - 1) / kLanes<T>;
  if (y.column_stride != 1)
    apply(data, kLanes<T>, columns * static_cast<std::size_t>(y.column_stride) / kLanes<T>);
  else if (vectors <= kFewVectors && vectors * (y.rows % together) < y.rows * (vectors % together))
    for (std::size_t i = 0; i < vectors; ++i) apply(data + i * kLanes<T>, y.row_stride, y.rows);
  else
    for (std::size_t r = 0; r < y.rows; ++r) apply(data + stride(r) * y.row_stride, kLanes<T>, vectors);
}

}  // namespace
}  // namespace fastnn::FASTNN_ISA
