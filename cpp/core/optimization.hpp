// The optimizer at work: gradients, slots and averages of a trainer's weights, and what one step does with them.
#pragma once

#include <vector>

#include "optimizer.hpp"
#include "stages.hpp"

namespace fastnn {

template <class T>
class Optimization {
 public:
  Optimization(Stages<T>& stages, const OptimizerSettings& settings);

  // Whether a step needs all gradients of a batch in memory before it changes a weight.
  bool needs_gradients() const { return needs_gradients_; }
  void reserve_gradients();
  T* gradients() { return gradients_.data(); }

  // The step of a batch: begin(); then either update() for each stretch of each array, or gradients() are filled and
  // apply() is called; then finish().
  void begin(double learning_rate);
  void update(std::size_t tensor, std::size_t offset, std::size_t count, const T* gradients);
  void apply();
  void finish();

  // Adds the regularizers' gradients to gradients().
  void regularize();

  // What regularizers of weights add to the loss.
  double penalty() const;

  void average();

  std::uint64_t batches() const { return batches_; }
  std::uint64_t iterations() const { return batches_ / settings_.accumulation_steps; }
  typename Trainer<T>::State state() const;
  void set_state(const typename Trainer<T>::State& state);

 private:
  struct Memory {
    std::string name;
    T* data;
  };
  std::vector<Memory> memories() const;  // all that a state holds
  void clip();
  void constrain(const Tensor<T>& tensor);

  Stages<T>& stages_;
  OptimizerSettings settings_;
  Corrections corrections_;
  std::uint64_t batches_ = 0;
  bool needs_gradients_ = false, is_regularized_ = false, is_constrained_ = false, steps_now_ = true;
  std::vector<Update<T>> updates_;  // of each tensor, for the step that has begun
  AlignedBuffer<T> gradients_, accumulated_, average_, slots_[kMostSlots];
};

}  // namespace fastnn
