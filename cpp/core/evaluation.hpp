// The outputs and losses of rows without training. Threads share blocks of rows or, in wide layers, the units of each.
#pragma once

#include <optional>

#include "fastnn/trainer.hpp"
#include "stages.hpp"

namespace fastnn {

template <class T>
class Evaluation {
 public:
  // takes_sums: whether the loss is computed from the sums of the last layer.
  Evaluation(const Stages<T>& stages, const std::optional<LossSettings>& loss, bool takes_sums);

  // As Trainer::evaluate.
  bool run(Rows<T> x, T* outputs, const Rows<T>* y, const T* weights, double* losses, FunctionRef<bool()> go_on) const;

 private:
  struct Call {
    Rows<T> x;
    T* outputs;
    const Rows<T>* y;
    const T* weights;
    double* losses;
  };
  void run_block(const Call& call, std::size_t first, std::size_t rows, bool is_shared) const;
  void add_activity(const Stage<T>& stage, Matrix<const T> y, std::size_t rows, double* losses) const;
  void add_losses(const Call& call, std::size_t first, std::size_t rows, Matrix<const T> sums, Matrix<const T> y,
                  T* row_losses) const;

  const Stages<T>& stages_;
  const std::optional<LossSettings>& loss_;
  const bool takes_sums_;
  std::size_t width_;  // of a row in scratch
  double work_ = 0;    // of a row
};

// Returns the settings of a loss for its kernel; rows and places are left to the caller.
template <class T>
LossCall<T> loss_call(const LossSettings& loss, std::size_t units) {
  LossCall<T> call{};
  call.loss = loss.loss;
  for (std::size_t i = 0; i < kMostLossParameters; ++i) call.parameters[i] = static_cast<T>(loss.parameters[i]);
  call.units = units;
  return call;
}

}  // namespace fastnn
