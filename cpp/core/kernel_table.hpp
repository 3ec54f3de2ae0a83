// The door between the network and the kernels: what a packed layer looks like, and one table of function pointers per
// instruction set. Nothing else leaves cpp/kernels.
#pragma once

#include <cstddef>
#include <cstdint>

#include "chains.hpp"
#include "fastnn/layers.hpp"
#include "training_kernels.hpp"

namespace fastnn {

// Units are packed in panels of one cache line: the widest vector there is, the same for every instruction set.
constexpr std::size_t kPanelBytes = 64;
template <class T>
constexpr std::size_t kPanelUnits = kPanelBytes / sizeof(T);

// Tiles write answers straight into the caller's array only for layers with at most so many inputs. With more of them
// the sums go to y and back, in whole panels, which do not fit there; and the copy costs little then.
constexpr std::size_t kMostInputsOfAnswers = 128;

// A layer as the kernels read it. packing.hpp says where weight (k, n) of the kernel stands.
template <class T>
struct PackedLayer {
  std::size_t inputs;
  std::size_t units;
  int chains;  // 1, 2, 4 or 16
  LayerKind kind;
  Activation activation;
  bool takes_whole_rows;                  // the layer or its activation needs all units of a row at once
  double work;                            // of a row: multiply-adds, an activation counted as so many
  std::size_t level_1_bytes = 32 * 1024;  // of the CPU's level 1 data cache
  T parameters[kMostParameters] = {};
  const T* kernel = nullptr;             // packed; null: the layer has none
  const T* of_units[kMostWeights] = {};  // the weights (units,) in the table's order, padded with zeros to whole panels

  bool is_head() const { return kernel != nullptr && chains == kMostChains; }  // fewer than 4 units

  // Whether the tiles apply the activation, at no cost.
  bool tiles_activate() const {
    return kernel != nullptr && (activation == Activation::linear || activation == Activation::relu);
  }

  // Whether the tiles can write answers, where tiles of at most `most_chains` can.
  bool tiles_answer(int most_chains) const {
    return tiles_activate() && chains <= most_chains && inputs <= kMostInputsOfAnswers;
  }

  // Whether the layer only hands its inputs on, as Dropout does outside of training.
  bool is_identity() const { return kind == LayerKind::activation && activation == Activation::linear; }
};

// A block of rows, in scratch memory but for answers: element (r, c) is data[r * row_stride + c * column_stride].
// Units in lanes: column_stride = 1. Rows in lanes: row_stride = 1, column_stride = a whole number of vectors (so not
// 1). Answers are rows of the caller's array, units in lanes: their columns alone are written, and every NaN is the one
// that fastnn gives.
template <class T>
struct Block {
  T* data;
  std::size_t rows;
  std::ptrdiff_t row_stride;
  std::ptrdiff_t column_stride;
  bool are_answers = false;
};

// Units [first, last) of a layer: whole panels, but for the layer's last.
struct Range {
  std::size_t first;
  std::size_t last;
};

constexpr std::size_t kMostPanelsOfRows = 4;  // of deltas that are transposed at a time

// The probes' reading: so many vectors at a time, and so a multiple of so many bytes.
constexpr int kReadStreams = 8;
constexpr std::size_t kReadBytes = kReadStreams * kPanelBytes;

template <class T>
struct Kernels {
  std::size_t lanes;           // rows in a vector
  std::size_t tile_vectors;    // vectors of rows in the largest tile; fewer rows are often faster with units in lanes
  int most_chains_of_answers;  // `layer` takes a y of answers if layer.tiles_answer(most_chains_of_answers)

  // y = activation(x · W + b) for some units, x and y both with units in lanes or both with rows in lanes; a head takes
  // any y for an x with units in lanes. No more than x is read. With units in lanes y may be written up to the end of
  // its last panel, but not by a head, and not if y are answers. With rows in lanes it may be written up to the end of
  // its last vector of rows, by a head too. An activation that takes whole rows is left to be done by `whole_rows`.
  void (*layer)(const PackedLayer<T>&, const Block<const T>& x, const Block<T>& y, Range units);
  void (*whole_rows)(const PackedLayer<T>&, const Block<T>& y);

  // to = from, `columns` wide, every NaN replaced by the one quiet NaN that fastnn gives.
  void (*copy)(const Block<const T>& from, const Block<T>& to, std::size_t columns);

  // Training (training_kernels.hpp): to(i, j) = sum over rows of a[r][i] · b[r][j], or is increased by it if `adds`;
  // to[j] = sum over rows of b[r][j], or of a[r][j] · b[r][j] unless a is null; to[r][j] += a[r][j] · factors[j]; a
  // layer's kernel transposed for some inputs, which begin at a whole panel (transpose.hpp); one step of an optimizer.
  void (*gradient)(std::size_t rows, Matrix<const T> a, std::size_t a_columns, Matrix<const T> b, std::size_t b_columns,
                   GradientPlace<T> to, bool adds);
  void (*column_sums)(std::size_t rows, Matrix<const T> a, Matrix<const T> b, std::size_t columns, T* to, bool adds);
  void (*add_scaled)(std::size_t rows, std::size_t columns, Matrix<const T> a, const T* factors, Matrix<T> to);
  void (*transpose)(const PackedLayer<T>&, Range inputs, int chains, T* to);
  // to = d · W^T for some inputs, which begin at a whole panel, and at most 2 chains, without a transposed kernel
  // (propagate.hpp). `transposed` has room for kMostPanelsOfRows panels of rows of d, with whole panels of units. Null:
  // not offered.
  void (*propagate)(const PackedLayer<T>&, Range inputs, std::size_t rows, Matrix<const T> d, T* transposed,
                    Matrix<T> to);
  void (*update)(const Update<T>&, std::size_t n, const T* gradients, T* weights, T* const* slots);
  // d = d · activation'(x) with y = activation(x); x may be null unless needs_sum(activation). Losses and their deltas.
  void (*derive)(Activation, T a, T b, std::size_t rows, std::size_t units, const T* x, std::ptrdiff_t x_stride,
                 const T* y, std::ptrdiff_t y_stride, T* d, std::ptrdiff_t d_stride);
  void (*loss)(const LossCall<T>&);

  // Layers of units, whose of_units are padded to panels. Factors: what the first weight (alpha, scale or gamma)
  // multiplies; column_sums of factors and d is that weight's gradient, column_sums of d that of beta or shift. Then
  // `backward` replaces d by the derivatives by x. The statistics of batch_normalization are constants to it;
  // if they are those of the batch, `batch_backward` subtracts what goes through them, given the means over the rows of
  // d and of factor · d, d as it was before `backward`.
  void (*factors)(const PackedLayer<T>&, std::size_t rows, Matrix<const T> x, Matrix<T> to);
  void (*backward)(const PackedLayer<T>&, std::size_t rows, Matrix<const T> x, Matrix<const T> factors, Matrix<T> d);
  void (*batch_backward)(const PackedLayer<T>&, std::size_t rows, Matrix<const T> factors, const T* mean_d,
                         const T* mean_product, Matrix<T> d);
  void (*centre)(std::size_t rows, std::size_t units, Matrix<const T> x, const T* mean, Matrix<T> to);  // x - mean

  // The probes of cpp/kernels/probes.hpp: `steps` fmas in each of several chains, returning the operations done;
  // `size` bytes read, a multiple of kReadBytes. `result` has room for a panel.
  double (*fma_chains)(std::size_t steps, T* result);
  void (*read)(const T* x, std::size_t size, T* result);
};

struct KernelTable {
  Kernels<float> float32;
  Kernels<double> float64;
};

namespace portable {
extern const KernelTable kTable;
}
namespace avx2 {
extern const KernelTable kTable;
}
namespace avx512 {
extern const KernelTable kTable;
}

}  // namespace fastnn
