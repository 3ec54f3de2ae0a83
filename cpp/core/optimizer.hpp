// An optimizer's settings as numbers for the kernels: what one step does to each array of weights. Everything that
// depends on the step's number alone is computed here, in float64 by products in order, and rounded once.
#pragma once

#include <cstdint>
#include <string>

#include "fastnn/trainer.hpp"
#include "training_kernels.hpp"

namespace fastnn {

// Returns the slots that an optimizer with these settings has: kMostSlots flags in the order of its row.
std::array<bool, kMostSlots> slots_of(const OptimizerSettings& optimizer);

// Returns the first value of a slot.
double initial_of(const OptimizerSettings& optimizer, std::size_t slot);

const OptimizerRow& optimizer_row(OptimizerKind kind);

// Returns the place of a setting in its row; kMostSettings if the optimizer has none of this name.
std::size_t setting_index(const OptimizerRow& row, const std::string& name);

// Powers of beta_1 and beta_2, and nadam's products, after some steps.
class Corrections {
 public:
  explicit Corrections(const OptimizerSettings& optimizer);

  // Goes to the state after `steps` steps. One step further takes a few products; backwards it counts from 0.
  void go_to(std::uint64_t steps);

  // Returns the step after this state, for weights whose learning rate and decay these are.
  template <class T>
  Update<T> update(double learning_rate, double decay) const;

 private:
  OptimizerSettings optimizer_;
  double beta_1_, beta_2_, rho_, momentum_, epsilon_;  // 0 where the optimizer has none
  bool flag_;                                          // nesterov, amsgrad or centered
  std::uint64_t steps_ = 0;
  double power_1_ = 1, power_2_ = 1;      // beta_1^steps, beta_2^steps
  double decay_power_ = 1, product_ = 1;  // nadam: 0.96^steps, the product of its momenta
};

}  // namespace fastnn
