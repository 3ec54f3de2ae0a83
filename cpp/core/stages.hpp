// The layers of a trainer as stages that keep what they computed: forward() runs them for a block of rows, backward()
// runs them from the last to the first and hands each gradient of weights to the trainer.
//
// A Dense whose activation's derivative needs the sums, or all units of a row, is two stages, as is the last layer
// where the loss is computed from the sums. A layer of training alone is a stage of noise.
#pragma once

#include <algorithm>
#include <vector>

#include "dispatch.hpp"
#include "fastnn/trainer.hpp"
#include "memory.hpp"
#include "tensors.hpp"

namespace fastnn {

// A batch with more rows is computed in blocks of so many: the sums of gradients begin anew in each (docs/numerics.md).
constexpr std::size_t kBlockRows = 256;

template <class T>
struct Stage {
  PackedLayer<T> layer;  // of noise: units alone
  Noise noise{};
  std::size_t number = 0;  // of the layer in the model
  bool trainable = true;
  double momentum = 0;
  T activity_l1 = 0, activity_l2 = 0;
  std::vector<std::size_t> tensors{};  // a kernel is the first
  // Of BatchNormalization in training: the same layer with mean and variance of the batch, and two arrays (units,).
  PackedLayer<T> of_batch{};
  T *mean_delta = nullptr, *mean_product = nullptr;

  bool uses_batch() const { return layer.kind == LayerKind::batch_normalization && trainable; }
};

// A kernel is transposed for the way back a group of panels of inputs at a time, just before they are used, so that the
// copy is in a near cache. A group takes about 24 KiB, but has panels for the largest tiles (shapes.hpp). Or the memory
// of a group holds transposed deltas.
template <class T>
struct TransposedGroups {
  TransposedGroups(std::size_t inputs, std::size_t units)
      : panels((inputs + kPanelUnits<T> - 1) / kPanelUnits<T>),
        of_group(std::clamp<std::size_t>(24 * 1024 / kPanelBytes / units, kMostPanelsOfRows, 8)),
        groups((panels + of_group - 1) / of_group),
        numbers(of_group * kPanelUnits<T> * pad_to_chains(units)) {}
  std::size_t size() const { return checked_product(groups, numbers); }

  std::size_t panels, of_group, groups, numbers;
};

// What the stages ask of the trainer in backward().
template <class T>
struct GradientSink {
  virtual ~GradientSink() = default;
  // The gradient of a kernel is x^T · delta, over rows of which the first blocks have been handed in before if `adds`.
  virtual void kernel(Stage<T>& stage, std::size_t rows, Matrix<const T> x, Matrix<const T> delta, bool adds) = 0;
  // The gradient of weights (units,): sums over rows of b, or of a · b unless a is null.
  virtual void of_units(std::size_t tensor, std::size_t rows, Matrix<const T> a, Matrix<const T> b, bool adds) = 0;
};

// What the activity regularizer of a stage adds to the loss for some rows of its outputs, before the division by rows.
template <class T>
double activity_of(const Stage<T>& stage, Matrix<const T> y, Range rows);

template <class T>
class Stages {
 public:
  // Validates. The weights are packed at `memory`, which has the size that size() gives for these layers.
  Stages(std::size_t inputs, const std::vector<TrainedLayer<T>>& layers, bool splits_last);

  std::vector<Stage<T>>& all() { return stages_; }
  const std::vector<Stage<T>>& all() const { return stages_; }
  std::vector<Tensor<T>>& tensors() { return tensors_; }
  const std::vector<Tensor<T>>& tensors() const { return tensors_; }
  AlignedBuffer<T>& memory() { return memory_; }
  const AlignedBuffer<T>& memory() const { return memory_; }

  std::size_t inputs() const { return inputs_; }
  std::size_t units() const { return stages_.back().layer.units; }
  bool uses_batch() const { return uses_batch_; }  // all rows of a batch are one block

  // Makes room for blocks of so many rows.
  void reserve(std::size_t rows);

  Matrix<T> input() { return outputs_[0]; }
  Matrix<T> output(std::size_t stage) { return outputs_[stage + 1]; }
  Matrix<T> delta(std::size_t stage) { return {deltas_[stage % 2], outputs_[stage + 1].stride}; }

  // Computes the outputs in training of the first `stages` stages, for the rows in input(): rows `first` and up of a
  // batch of the step `step`.
  void forward(std::size_t stages, std::size_t rows, std::uint64_t seed, std::uint64_t step, std::size_t first);

  // From delta(last), the gradient of the loss by the outputs of the stage `last`, to the gradients of all weights.
  // of_batch: the rows of the whole batch.
  void backward(std::size_t last, std::size_t rows, std::size_t of_batch, bool adds, GradientSink<T>& sink);

  // Moves the statistics of BatchNormalization towards those of the last batch of forward().
  void commit();

  // What activity regularizers add to the loss, for the rows of the last forward(), before the division by rows.
  double activity(std::size_t rows) const;

 private:
  void add_stage(const TrainedLayer<T>& layer, std::size_t number, std::size_t inputs, LayerKind kind,
                 Activation activation);
  void make_noise(std::size_t stage, std::size_t rows, std::uint64_t seed, std::uint64_t step, std::size_t first);
  void mean_columns(Matrix<T> a, Matrix<T> b, std::size_t rows, std::size_t units, T* to);
  void normalize(std::size_t stage, std::size_t rows);
  void propagate(const PackedLayer<T>& layer, std::size_t rows, Matrix<T> delta, Matrix<T> to);
  void backward_of_units(std::size_t stage, std::size_t rows, bool adds, Matrix<T> to, GradientSink<T>& sink);
  bool propagates(std::size_t stage) const { return stage > first_trained_; }

  std::size_t inputs_;
  std::vector<Stage<T>> stages_;
  std::vector<Tensor<T>> tensors_;
  AlignedBuffer<T> memory_, transposed_, scratch_, of_batches_;
  std::vector<Matrix<T>> outputs_;                         // the inputs, then each stage's outputs
  std::vector<Matrix<T>> kept_;                            // by stage: multipliers of dropout
  alignas(kPanelBytes) T zeros_[8 * kPanelUnits<T>] = {};  // biases on the way back
  T* deltas_[2] = {};
  T* products_ = nullptr;
  std::size_t rows_ = 0, widest_ = 0, first_trained_ = 0;
  bool uses_batch_ = false;
};

}  // namespace fastnn
