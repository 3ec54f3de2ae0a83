#include "optimizer.hpp"

#include "elementary.hpp"
#include "machine.hpp"

namespace fastnn {

const OptimizerRow& optimizer_row(OptimizerKind kind) {
  for (const OptimizerRow& row : kOptimizers)
    if (row.kind == kind) return row;
  throw Error("expected an optimizer of kOptimizers");
}

std::size_t setting_index(const OptimizerRow& row, const std::string& name) {
  std::size_t i = 0;
  while (i < kMostSettings && (row.settings[i].name == nullptr || name != row.settings[i].name)) ++i;
  return i;
}

std::array<bool, kMostSlots> slots_of(const OptimizerSettings& optimizer) {
  const OptimizerRow& row = optimizer_row(optimizer.kind);
  std::array<bool, kMostSlots> has{};
  for (std::size_t i = 0; i < kMostSlots; ++i)
    has[i] = row.slots[i].name != nullptr &&
             (row.slots[i].setting == nullptr || optimizer.settings[setting_index(row, row.slots[i].setting)] != 0);
  return has;
}

double initial_of(const OptimizerSettings& optimizer, std::size_t slot) {
  const OptimizerRow& row = optimizer_row(optimizer.kind);
  const char* name = row.slots[slot].initial;
  return name == nullptr ? 0 : optimizer.settings[setting_index(row, name)];
}

Corrections::Corrections(const OptimizerSettings& optimizer) : optimizer_(optimizer) {
  const OptimizerRow& row = optimizer_row(optimizer.kind);
  const auto setting = [&](const char* name) {
    const std::size_t i = setting_index(row, name);
    return i < kMostSettings ? optimizer.settings[i] : 0;
  };
  beta_1_ = setting("beta_1"), beta_2_ = setting("beta_2"), rho_ = setting("rho");
  momentum_ = setting("momentum"), epsilon_ = setting("epsilon");
  flag_ = setting("nesterov") != 0 || setting("amsgrad") != 0 || setting("centered") != 0;
}

void Corrections::go_to(std::uint64_t steps) {
  const bool has_betas = optimizer_.kind == OptimizerKind::adam || optimizer_.kind == OptimizerKind::adamax ||
                         optimizer_.kind == OptimizerKind::nadam;
  if (!has_betas) return;
  if (steps < steps_) *this = Corrections(optimizer_);
  for (; steps_ < steps; ++steps_) {
    const std::array<double, 4> before{power_1_, power_2_, decay_power_, product_};
    // A tiny power is nothing beside 1, and products of subnormal numbers are slow.
    const auto multiply = [](double& power, double factor) { power = tiny_as_zero(power * factor); };
    multiply(power_1_, beta_1_);
    multiply(power_2_, beta_2_);
    multiply(decay_power_, 0.96);
    multiply(product_, beta_1_ * (1 - 0.5 * decay_power_));
    if (before == std::array<double, 4>{power_1_, power_2_, decay_power_, product_}) steps_ = steps - 1;  // for ever
  }
}

template <class T>
Update<T> Corrections::update(double learning_rate, double decay) const {
  Update<T> u{optimizer_.kind};
  u.flag = flag_;
  double rate = learning_rate, a = 0, b = 0, c = 0, d = 0, gradient_rate = 0;
  const double next_1 = power_1_ * beta_1_, next_2 = power_2_ * beta_2_;  // the powers of this step
  switch (optimizer_.kind) {
    case OptimizerKind::sgd: a = momentum_; break;
    case OptimizerKind::adam:
      a = 1 - beta_1_, b = 1 - beta_2_;
      rate = learning_rate * elementary::square_root(1 - next_2) / (1 - next_1);
      break;
    case OptimizerKind::rmsprop: a = rho_, b = 1 - rho_, c = momentum_; break;
    case OptimizerKind::adagrad: break;
    case OptimizerKind::adadelta: a = rho_, b = 1 - rho_; break;
    case OptimizerKind::adamax:
      a = 1 - beta_1_, b = beta_2_;
      rate = learning_rate / (1 - next_1);
      break;
    case OptimizerKind::nadam: {
      const double decay_power = decay_power_ * 0.96;
      const double now = beta_1_ * (1 - 0.5 * decay_power), next = beta_1_ * (1 - 0.5 * (decay_power * 0.96));
      const double product = product_ * now;
      a = 1 - beta_1_, b = 1 - beta_2_, c = 1 - next_2;
      rate = learning_rate * next / (1 - product * next);
      gradient_rate = learning_rate * (1 - now) / (1 - product);
      break;
    }
    case OptimizerKind::lion: a = beta_1_, b = 1 - beta_1_, c = beta_2_, d = 1 - beta_2_; break;
  }
  u.rate = static_cast<T>(rate);
  u.gradient_rate = static_cast<T>(gradient_rate);
  u.decay = static_cast<T>(decay * learning_rate);
  u.clip = static_cast<T>(optimizer_.clipvalue);
  u.a = static_cast<T>(a), u.b = static_cast<T>(b), u.c = static_cast<T>(c), u.d = static_cast<T>(d);
  u.epsilon = static_cast<T>(epsilon_);
  u.has_slow_roots = has_slow_roots();
  return u;
}

template Update<float> Corrections::update(double, double) const;
template Update<double> Corrections::update(double, double) const;

}  // namespace fastnn
