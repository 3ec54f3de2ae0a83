// Activations that need the whole row, or numbers of each unit, in place. Each is written once, as operations on a Row;
// UnitsInLanes and RowsInLanes are the two layouts of it.
#pragma once

#include "exponentials.hpp"
#include "math.hpp"
#include "sums.hpp"

namespace fastnn::FASTNN_ISA {
namespace {

// One row with units in lanes: a vector holds several units. map also runs over the padding.
template <class T>
struct UnitsInLanes {
  T* row;
  std::size_t units;

  // Applies x = function(x, n) to every vector; n is its first unit.
  template <class Function>
  FASTNN_INLINE void map(Function function) const {
    for (std::size_t n = 0; n < units; n += kLanes<T>) store(row + n, function(load(row + n), n));
  }
  FASTNN_INLINE Vector<T> of_units(const T* numbers, std::size_t n) const { return load(numbers + n); }

  FASTNN_INLINE Vector<T> largest() const {
    T found = row[0];
    for (std::size_t n = 1; n < units; ++n) found = row[n] > found ? row[n] : found;
    return splat(found);
  }

  // Returns the sum over all units, by add(sum, x) in 16 chains. Sets the padding to `none`, which must change no sum.
  template <class Add>
  FASTNN_INLINE Vector<T> sum(Add add, T none = 0) const {
    const std::size_t padded = pad_to_chains(units);
    for (std::size_t n = units; n < padded; ++n) row[n] = none;
    T sums[kMostChains] = {};
    for (std::size_t n = 0; n < padded; n += kMostChains)
      for (std::size_t j = 0; j < kMostChains; j += kLanes<T>) store(sums + j, add(load(sums + j), load(row + n + j)));
    return splat(sum_by_halves<kMostChains>(sums));
  }
};

// Several rows with rows in lanes: a vector holds one unit of them, and units are `unit_stride` apart.
template <class T>
struct RowsInLanes {
  T* column;
  std::size_t units;
  std::ptrdiff_t unit_stride;

  FASTNN_INLINE T* at(std::size_t n) const { return column + stride(n) * unit_stride; }

  template <class Function>
  FASTNN_INLINE void map(Function function) const {
    for (std::size_t n = 0; n < units; ++n) store(at(n), function(load(at(n)), n));
  }
  FASTNN_INLINE Vector<T> of_units(const T* numbers, std::size_t n) const { return splat(numbers[n]); }

  FASTNN_INLINE Vector<T> largest() const {
    Vector<T> found = load(column);
    for (std::size_t n = 1; n < units; ++n) found = load(at(n)) > found ? load(at(n)) : found;
    return found;
  }

  template <class Add>
  FASTNN_INLINE Vector<T> sum(Add add, T = 0) const {
    Vector<T> sums[kMostChains] = {};
    for (std::size_t n = 0; n < units; ++n) sums[n % kMostChains] = add(sums[n % kMostChains], load(at(n)));
    return sum_by_halves<kMostChains>(sums);
  }
};

template <class T, class Row>
void softmax(const Row& row) {
  const Vector<T> largest = row.largest();
  row.map([=](Vector<T> x, std::size_t) FASTNN_INLINE_LAMBDA { return exp_nonpositive<T>(x - largest); });
  const Vector<T> sum = row.sum([](Vector<T> s, Vector<T> e) FASTNN_INLINE_LAMBDA { return s + e; });
  row.map([=](Vector<T> e, std::size_t) FASTNN_INLINE_LAMBDA { return e / sum; });
}

// (x - m) - log(sum of e^(x - m)), m the largest x of the row, so that the sum is at least 1.
template <class T, class Row>
void log_softmax(const Row& row) {
  const Vector<T> largest = row.largest();
  const Vector<T> sum =
      row.sum([=](Vector<T> s, Vector<T> x) FASTNN_INLINE_LAMBDA { return s + exp_nonpositive<T>(x - largest); },
              -kInfinity<T>);
  const Vector<T> log = log_of_sum<T>(sum);
  row.map([=](Vector<T> x, std::size_t) FASTNN_INLINE_LAMBDA { return (x - largest) - log; });
}

template <class T, class Row>
void layer_normalization(const Row& row, T epsilon, const T* scale, const T* shift) {
  const Vector<T> units = splat(static_cast<T>(row.units));
  const Vector<T> mean = row.sum([](Vector<T> s, Vector<T> x) FASTNN_INLINE_LAMBDA { return s + x; }) / units;
  row.map([=](Vector<T> x, std::size_t) FASTNN_INLINE_LAMBDA { return x - mean; });
  const Vector<T> squares = row.sum([](Vector<T> s, Vector<T> d) FASTNN_INLINE_LAMBDA { return fma(d, d, s); });
  const Vector<T> deviation = sqrt<T>(squares / units + splat(epsilon));
  row.map([&](Vector<T> d, std::size_t n)
              FASTNN_INLINE_LAMBDA { return fma(d / deviation, row.of_units(scale, n), row.of_units(shift, n)); });
}

template <class T, class Row>
void batch_normalization(const Row& row, T epsilon, const T* scale, const T* shift, const T* mean, const T* variance) {
  row.map([&](Vector<T> x, std::size_t n) FASTNN_INLINE_LAMBDA {
    const Vector<T> deviation = sqrt<T>(row.of_units(variance, n) + splat(epsilon));
    return fma((x - row.of_units(mean, n)) / deviation, row.of_units(scale, n), row.of_units(shift, n));
  });
}

template <class T, class Row>
void prelu(const Row& row, const T* scale) {
  row.map([&](Vector<T> x, std::size_t n) FASTNN_INLINE_LAMBDA { return x < T{0} ? row.of_units(scale, n) * x : x; });
}

template <class T, class Row>
void affine(const Row& row, const T* scale, const T* shift) {
  row.map([&](Vector<T> x, std::size_t n)
              FASTNN_INLINE_LAMBDA { return fma(x, row.of_units(scale, n), row.of_units(shift, n)); });
}

}  // namespace
}  // namespace fastnn::FASTNN_ISA
