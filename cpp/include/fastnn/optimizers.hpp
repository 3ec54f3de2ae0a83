// The optimizers: the table that the kernels, the trainer and Python read. The formulas are Keras 3's.
#pragma once

#include <cstddef>
#include <cstdint>

#include "fastnn/activation.hpp"

namespace fastnn {

enum class OptimizerKind : std::uint8_t {
  sgd,       // w -= rate · g; with momentum: v = momentum · v - rate · g, w += v
  adam,      // w -= rate' · m / (sqrt(v) + epsilon)
  rmsprop,   // w -= rate · g / sqrt(v + epsilon)
  adagrad,   // w -= rate · g / sqrt(sum of g² + epsilon)
  adadelta,  // w -= rate · sqrt(d + epsilon) / sqrt(a + epsilon) · g
  adamax,    // w -= rate' · m / (u + epsilon)
  nadam,     // adam with Nesterov's momentum
  lion,      // w -= rate · sign(beta_1 · m + (1 - beta_1) · g)
};

// A number that an optimizer keeps for each weight.
struct Slot {
  const char* name = nullptr;     // null: there are no more
  const char* setting = nullptr;  // the optimizer has the slot if this setting is not 0; null: always
  const char* initial = nullptr;  // the setting that is its first value; null: 0
};

constexpr std::size_t kMostSettings = 4;
constexpr std::size_t kMostSlots = 3;

struct OptimizerRow {
  OptimizerKind kind;
  const char* name;
  Parameter settings[kMostSettings];
  Slot slots[kMostSlots];
};

constexpr OptimizerRow kOptimizers[] = {
    {OptimizerKind::sgd,
     "sgd",
     {{"momentum", Domain::fraction, 0}, {"nesterov", Domain::not_negative, 0}},
     {{"momentum", "momentum"}}},
    {OptimizerKind::adam,
     "adam",
     {{"beta_1", Domain::below_1, 0.9},
      {"beta_2", Domain::below_1, 0.999},
      {"epsilon", Domain::not_negative, 1e-7},
      {"amsgrad", Domain::not_negative, 0}},
     {{"momentum"}, {"velocity"}, {"velocity_hat", "amsgrad"}}},
    {OptimizerKind::rmsprop,
     "rmsprop",
     {{"rho", Domain::fraction, 0.9},
      {"momentum", Domain::fraction, 0},
      {"epsilon", Domain::not_negative, 1e-7},
      {"centered", Domain::not_negative, 0}},
     {{"velocity"}, {"momentum", "momentum"}, {"average_gradient", "centered"}}},
    {OptimizerKind::adagrad,
     "adagrad",
     {{"initial_accumulator_value", Domain::not_negative, 0.1}, {"epsilon", Domain::not_negative, 1e-7}},
     {{"accumulator", nullptr, "initial_accumulator_value"}}},
    {OptimizerKind::adadelta,
     "adadelta",
     {{"rho", Domain::fraction, 0.95}, {"epsilon", Domain::not_negative, 1e-7}},
     {{"accumulated_gradient"}, {"accumulated_delta"}}},
    {OptimizerKind::adamax,
     "adamax",
     {{"beta_1", Domain::below_1, 0.9}, {"beta_2", Domain::below_1, 0.999}, {"epsilon", Domain::not_negative, 1e-7}},
     {{"momentum"}, {"norm"}}},
    {OptimizerKind::nadam,
     "nadam",
     {{"beta_1", Domain::below_1, 0.9}, {"beta_2", Domain::below_1, 0.999}, {"epsilon", Domain::not_negative, 1e-7}},
     {{"momentum"}, {"velocity"}}},
    {OptimizerKind::lion,
     "lion",
     {{"beta_1", Domain::fraction, 0.9}, {"beta_2", Domain::fraction, 0.99}},
     {{"momentum"}}},
};

}  // namespace fastnn
