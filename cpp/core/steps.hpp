// The steps of a trainer. A batch runs in blocks of rows through all stages (stages.hpp), forward and back. A batch of
// one block updates each piece of a kernel as soon as its gradient is known, while both are in the level 1 cache;
// otherwise gradients are summed in memory first.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "evaluation.hpp"
#include "fastnn/trainer.hpp"
#include "optimization.hpp"
#include "stages.hpp"

namespace fastnn {

template <class T>
class Steps : public GradientSink<T> {
 public:
  Steps(std::size_t inputs, const std::vector<TrainedLayer<T>>& layers, std::optional<LossSettings> loss,
        const OptimizerSettings& optimizer, std::uint64_t seed);

  Trained train(const Batches<T>& batches, double* losses, FunctionRef<bool()> go_on);
  Evaluation<T> evaluation() const { return {stages_, loss_, takes_sums_}; }
  void forward(Rows<T> x, T* outputs);
  void backward(const T* gradient, std::size_t rows, double learning_rate);
  double gradients(const Batches<T>& batch, std::vector<std::map<std::string, std::vector<T>>>& gradients);

  // Half steps, for batches that several processes share (block_gradients.cpp).
  BlockGradients<T> block_gradients(const Batches<T>& part, const PartOfBatch& place);
  void apply(const T* gradients, double learning_rate);

  // What activity regularizers add to the loss of the last forward().
  double activity() const { return rows_ == 0 ? 0 : stages_.activity(rows_) / static_cast<double>(rows_); }

  Stages<T>& stages() { return stages_; }
  const Stages<T>& stages() const { return stages_; }
  Optimization<T>& optimization() { return optimization_; }
  const std::vector<Layer<T>>& described() const { return described_; }
  bool has_loss() const { return loss_.has_value(); }

 private:
  void kernel(Stage<T>& stage, std::size_t rows, Matrix<const T> x, Matrix<const T> delta, bool adds) override;
  void of_units(std::size_t tensor, std::size_t rows, Matrix<const T> a, Matrix<const T> b, bool adds) override;

  // A batch forward and back; its loss. Weights change in it only if `rate` is there and the whole batch is one block.
  double run(const Batches<T>& batches, std::size_t first, std::size_t rows, T* outputs, const double* rate);
  // Rows from `at` on of `batches` forward, their losses and the first delta; they are rows from `place.first` on.
  void run_forward(const Batches<T>& batches, std::size_t at, std::size_t rows, const PartOfBatch& place, T* outputs);
  void reserve(std::size_t block_rows);
  void begin(std::size_t rows, const double* rate);
  void finish();

  std::size_t columns() const { return loss_ && loss_->loss == Loss::sparse_categorical_crossentropy ? 1 : units(); }
  std::size_t units() const { return stages_.units(); }
  std::size_t last() const { return stages_.all().size() - (takes_sums_ ? 2 : 1); }
  void gather(const Batches<T>& batches, std::size_t first, std::size_t rows, std::size_t of_batch);
  void compute_loss(std::size_t rows);
  void copy_outputs(std::size_t rows, T* to);
  std::ptrdiff_t first_not_finite(std::size_t rows);

  Stages<T> stages_;
  Optimization<T> optimization_;
  std::optional<LossSettings> loss_;
  bool takes_sums_;
  std::uint64_t seed_;
  std::vector<Layer<T>> described_;  // without weights
  std::size_t block_rows_ = 0, rows_ = 0;
  std::ptrdiff_t not_finite_ = -1;
  bool in_pieces_ = false;
  std::vector<T> targets_, weights_, scales_, row_losses_;
  AlignedBuffer<T> piece_;
};

}  // namespace fastnn
