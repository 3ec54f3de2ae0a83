// Copies rows into and out of scratch memory. The layouts of both sides decide whether lines are copied, transposed in
// registers, or copied element by element.
#pragma once

#include "../core/kernel_table.hpp"
#include "simd.hpp"

namespace fastnn::FASTNN_ISA {
namespace {

// Replaces every NaN by the one NaN of fastnn: CPUs create NaNs of different signs and payloads.
template <class T>
FASTNN_INLINE Vector<T> with_one_nan(Vector<T> x) {
  return x == x ? x : splat(kNaN<T>);
}

// Copies `lines` lines of `length` adjacent elements.
template <class T>
void copy_lines(const T* from, std::ptrdiff_t from_line, T* to, std::ptrdiff_t to_line, std::size_t lines,
                std::size_t length) {
  constexpr std::size_t L = kLanes<T>;
  for (; lines > 0; --lines, from += from_line, to += to_line) {
    std::size_t i = 0;
    for (; i + L <= length; i += L) store(to + i, with_one_nan<T>(load(from + i)));
    if (i < length) store_first(to + i, with_one_nan<T>(load_first(from + i, length - i)), length - i);
  }
}

// Transposes a square of L lines of L elements; if kWhole is false, only `lines` lines of `length` elements of it.
template <class T, bool kWhole>
FASTNN_INLINE void transpose_square(const T* from, std::ptrdiff_t from_line, T* to, std::ptrdiff_t to_line,
                                    std::size_t lines, std::size_t length) {
  constexpr std::size_t L = kLanes<T>;
  Vector<T> square[L] = {};
#pragma GCC unroll 16
  for (std::size_t i = 0; i < L; ++i)
    if (kWhole || i < lines)
      square[i] = kWhole ? load(from + stride(i) * from_line) : load_first(from + stride(i) * from_line, length);
  transpose<T>(square);
#pragma GCC unroll 16
  for (std::size_t j = 0; j < L; ++j)
    if (kWhole)
      store(to + stride(j) * to_line, with_one_nan<T>(square[j]));
    else if (j < length)
      store_first(to + stride(j) * to_line, with_one_nan<T>(square[j]), lines);
}

// Transposes: element j of line i becomes element i of line j.
template <class T>
void transpose_lines(const T* from, std::ptrdiff_t from_line, T* to, std::ptrdiff_t to_line, std::size_t lines,
                     std::size_t length) {
  constexpr std::size_t L = kLanes<T>;
  for (std::size_t i = 0; i < lines; i += L)
    for (std::size_t j = 0; j < length; j += L) {
      const T* first = from + stride(i) * from_line + stride(j);
      T* corner = to + stride(j) * to_line + stride(i);
      if (i + L <= lines && j + L <= length)
        transpose_square<T, true>(first, from_line, corner, to_line, L, L);
      else
        transpose_square<T, false>(first, from_line, corner, to_line, lines - i < L ? lines - i : L,
                                   length - j < L ? length - j : L);
    }
}

template <class T>
void copy(const Block<const T>& from, const Block<T>& to, std::size_t columns) {
  if (from.column_stride == 1 && to.column_stride == 1)
    copy_lines(from.data, from.row_stride, to.data, to.row_stride, from.rows, columns);
  else if (from.row_stride == 1 && to.row_stride == 1)
    copy_lines(from.data, from.column_stride, to.data, to.column_stride, columns, from.rows);
  else if (from.column_stride == 1 && to.row_stride == 1)
    transpose_lines(from.data, from.row_stride, to.data, to.column_stride, from.rows, columns);
  else if (from.row_stride == 1 && to.column_stride == 1)
    transpose_lines(from.data, from.column_stride, to.data, to.row_stride, columns, from.rows);
  else
    for (std::size_t c = 0; c < columns; ++c)
      for (std::size_t r = 0; r < from.rows; ++r) {
        const T x = from.data[stride(r) * from.row_stride + stride(c) * from.column_stride];
        to.data[stride(r) * to.row_stride + stride(c) * to.column_stride] = x == x ? x : kNaN<T>;
      }
}

}  // namespace
}  // namespace fastnn::FASTNN_ISA
