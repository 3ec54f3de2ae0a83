// Activations over blocks of sums, in place. All but softmax act on each element alone, so they take scratch memory as
// it comes, padding included.
#pragma once

#include "dense.hpp"
#include "math.hpp"

namespace fastnn::FASTNN_ISA {
namespace {

// `elements` is rounded up to whole vectors: scratch memory is padded.
template <class T, class Function>
FASTNN_INLINE void map(T* data, std::size_t elements, Function function) {
  for (std::size_t i = 0; i < elements; i += kLanes<T>) store(data + i, function(load(data + i)));
}

template <class T>
void activate_elements(Activation activation, T* data, std::size_t elements) {
  switch (activation) {
    case Activation::relu:
      return map(data, elements, [](Vector<T> x) FASTNN_INLINE_LAMBDA { return at_least(Vector<T>{}, x); });
    case Activation::step:
      return map(data, elements, [](Vector<T> x) FASTNN_INLINE_LAMBDA {
        const Vector<T> one_or_nan = x >= T{0} ? splat(T{1}) : x;
        return x < T{0} ? Vector<T>{} : one_or_nan;
      });
    case Activation::tanh: return map(data, elements, [](Vector<T> x) FASTNN_INLINE_LAMBDA { return tanh<T>(x); });
    case Activation::sigmoid:
      return map(data, elements, [](Vector<T> x) FASTNN_INLINE_LAMBDA { return sigmoid<T>(x); });
    case Activation::relu6:
      return map(data, elements, [](Vector<T> x) FASTNN_INLINE_LAMBDA { return clamped<T>(x, 0, 6); });
    case Activation::hard_tanh:
      return map(data, elements, [](Vector<T> x) FASTNN_INLINE_LAMBDA { return clamped<T>(x, -1, 1); });
    case Activation::hard_sigmoid:
      return map(data, elements, [](Vector<T> x) FASTNN_INLINE_LAMBDA { return hard_sigmoid<T>(x); });
    case Activation::softsign:
      return map(data, elements, [](Vector<T> x) FASTNN_INLINE_LAMBDA { return softsign<T>(x); });
    case Activation::linear:
    case Activation::softmax: return;
  }
}

template <class T>
void activate(Activation activation, const Block<T>& y, Range units) {
  if (y.column_stride == 1) {
    for (std::size_t r = 0; r < y.rows; ++r)
      activate_elements(activation, y.data + stride(r) * y.row_stride + units.first, units.last - units.first);
  } else {
    const auto column = static_cast<std::size_t>(y.column_stride);
    activate_elements(activation, y.data + units.first * column, (units.last - units.first) * column);
  }
}

// One row with units in lanes. The padding takes part in e^x and is set to 0 before the sum, to which 0 adds nothing.
template <class T>
void softmax_units_in_lanes(T* row, std::size_t units) {
  constexpr std::size_t lanes = kLanes<T>;
  T largest = row[0];
  for (std::size_t n = 1; n < units; ++n) largest = row[n] > largest ? row[n] : largest;
  map(row, units, [=](Vector<T> x) FASTNN_INLINE_LAMBDA { return exp_nonpositive<T>(x - splat(largest)); });

  const std::size_t padded = pad_to_chains(units);
  for (std::size_t n = units; n < padded; ++n) row[n] = 0;
  T sums[kMostChains] = {};
  for (std::size_t n = 0; n < padded; n += kMostChains)
    for (std::size_t j = 0; j < kMostChains; j += lanes) store(sums + j, load(sums + j) + load(row + n + j));
  const T sum = sum_by_halves<kMostChains>(sums);
  map(row, units, [=](Vector<T> e) FASTNN_INLINE_LAMBDA { return e / splat(sum); });
}

// One vector of rows, its units `unit_stride` apart.
template <class T>
void softmax_rows_in_lanes(T* column, std::size_t units, std::ptrdiff_t unit_stride) {
  const auto at = [=](std::size_t n) FASTNN_INLINE_LAMBDA { return column + stride(n) * unit_stride; };
  Vector<T> largest = load(column);
  for (std::size_t n = 1; n < units; ++n) largest = load(at(n)) > largest ? load(at(n)) : largest;
  Vector<T> sums[kMostChains] = {};
  for (std::size_t n = 0; n < units; ++n) {
    const Vector<T> e = exp_nonpositive<T>(load(at(n)) - largest);
    sums[n % kMostChains] = sums[n % kMostChains] + e;
    store(at(n), e);
  }
  const Vector<T> sum = sum_by_halves<kMostChains>(sums);
  for (std::size_t n = 0; n < units; ++n) store(at(n), load(at(n)) / sum);
}

template <class T>
void softmax(const Block<T>& y, std::size_t units) {
  if (y.column_stride == 1)
    for (std::size_t r = 0; r < y.rows; ++r) softmax_units_in_lanes(y.data + stride(r) * y.row_stride, units);
  else
    for (std::size_t r = 0; r < y.rows; r += kLanes<T>) softmax_rows_in_lanes(y.data + r, units, y.column_stride);
}

}  // namespace
}  // namespace fastnn::FASTNN_ISA
