// What the trainer asks of the kernels: the second door of cpp/kernels, beside kernel_table.hpp. All matrices are
// row-major, rows `stride` numbers apart, which are whole panels; the padding behind a row may be read and written.
#pragma once

#include <cstddef>

#include "fastnn/losses.hpp"
#include "fastnn/optimizers.hpp"

namespace fastnn {

// Numbers of training below it become +0: arithmetic on subnormal numbers takes many times as long. Without the rule
// the moments of a unit that gets no gradient turn subnormal after some 764 steps and stay so for ever. The square root
// of the limit is far below every epsilon, so no weight notices.
template <class T>
static constexpr T tiny() {
  return static_cast<T>(sizeof(T) == 4 ? 0x1p-100 : 0x1p-900);
}

// NaN stays NaN.
template <class T>
static constexpr T tiny_as_zero(T x) {
  return (x < 0 ? -x : x) < tiny<T>() ? T{0} : x;
}

// A matrix of the trainer.
template <class T>
struct Matrix {
  T* data;
  std::ptrdiff_t stride;
  operator Matrix<const T>() const { return {data, stride}; }
};

// Where the sums of a gradient go: element (i, j) of panel p at data + p · panel + i · row + j; `last_row` takes the
// place of `row` in the last panel.
template <class T>
struct GradientPlace {
  T* data;
  std::ptrdiff_t panel, row, last_row;
};

// One step of an optimizer for some weights; all numbers are rounded to T once.
template <class T>
struct Update {
  OptimizerKind kind;
  bool flag = false;             // nesterov, amsgrad or centered
  T rate = 0;                    // the learning rate, with the bias corrections of adam, adamax and nadam
  T gradient_rate = 0;           // nadam: of the gradient
  T decay = 0;                   // w -= decay · w before the step
  T scale = 1;                   // of the gradient
  T l1 = 0, l2 = 0;              // the gradient grows by l1 · sign(w) + l2 · w
  T clip = 0;                    // the gradient is clipped to [-clip, clip] unless clip is 0
  T a = 0, b = 0, c = 0, d = 0;  // by kind (update.hpp)
  T epsilon = 0;
  bool has_slow_roots = false;  // the CPU's unit of divisions is the bottleneck (machine.hpp)
};

// A call for the losses of rows. The targets alone may lie anywhere, their padding is not read.
template <class T>
struct LossCall {
  Loss loss;
  T parameters[kMostLossParameters];  // 0 beyond those that the loss has
  std::size_t rows;
  std::size_t units;
  const T* targets;  // sparse_categorical_crossentropy: one column of class numbers
  std::ptrdiff_t target_row_stride;
  std::ptrdiff_t target_column_stride;
  Matrix<const T> predictions;
  Matrix<const T> sums;  // the last layer's sums if is_fused(loss, its activation, parameters[0]); else null
  const T* scales;       // a factor of the delta of each row; null: 1
  T* row_losses;         // without the factor
  Matrix<T> delta;       // factor · d(row loss) / d(sums), or / d(predictions) if sums are null; null: not wanted
};

}  // namespace fastnn
