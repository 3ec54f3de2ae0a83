// Losses and optimizers by name, with the settings that a program gives by name and defaults for the others.
#include <algorithm>
#include <iterator>
#include <string>

#include "optimizer.hpp"
#include "training_checks.hpp"

namespace fastnn {
namespace {

template <class Row, std::size_t count>
const Row& row_of(const Row (&rows)[count], const char* expected, const std::string& name) {
  std::string known;
  for (const Row& row : rows) {
    if (name == row.name) return row;
    known += (known.empty() ? "" : ", ") + std::string(row.name);
  }
  throw Error(std::string("expected ") + expected + ", one of " + known + "; received '" + name + "'");
}

std::string names_of(const OptimizerRow& row) {
  std::string names;
  for (const Parameter& setting : row.settings)
    if (setting.name != nullptr) names += std::string(setting.name) + ", ";
  return names +
         "weight_decay, clipnorm, global_clipnorm, clipvalue, ema_momentum, ema_overwrite_frequency, "
         "accumulation_steps";
}

std::size_t whole_number(const std::string& name, double value) {
  constexpr double kMost = 0x1p31;
  if (!(value >= 0 && value <= kMost) || value != static_cast<double>(static_cast<std::size_t>(value)))
    throw Error(name + ": expected a whole number from 0 to 2^31; received " + std::to_string(value));
  return static_cast<std::size_t>(value);
}

// Sets one that all optimizers have; returns false if there is none of this name.
bool set_common(OptimizerSettings& optimizer, const std::string& name, double value) {
  const struct {
    const char* name;
    double OptimizerSettings::* setting;
  } numbers[] = {{"weight_decay", &OptimizerSettings::weight_decay},
                 {"clipnorm", &OptimizerSettings::clipnorm},
                 {"global_clipnorm", &OptimizerSettings::global_clipnorm},
                 {"clipvalue", &OptimizerSettings::clipvalue},
                 {"ema_momentum", &OptimizerSettings::ema_momentum}};
  const struct {
    const char* name;
    std::size_t OptimizerSettings::* setting;
  } counts[] = {{"ema_overwrite_frequency", &OptimizerSettings::ema_overwrite_frequency},
                {"accumulation_steps", &OptimizerSettings::accumulation_steps}};
  for (const auto& each : numbers)
    if (name == each.name) return optimizer.*each.setting = value, true;
  for (const auto& each : counts)
    if (name == each.name) return optimizer.*each.setting = whole_number(name, value), true;
  return false;
}

}  // namespace

LossSettings loss_settings(const std::string& name, const std::map<std::string, double>& given) {
  const LossRow& row = row_of(kLosses, "a loss", name);
  LossSettings settings{row.loss};
  for (std::size_t i = 0; i < kMostLossParameters && row.parameters[i].name != nullptr; ++i) {
    const auto found = given.find(row.parameters[i].name);
    settings.parameters[i] = found == given.end() ? row.parameters[i].initial : found->second;
  }
  for (const auto& [parameter, value] : given) {
    const auto is_this = [name = parameter](const Parameter& each) {
      return each.name != nullptr && name == each.name;
    };
    if (std::none_of(std::begin(row.parameters), std::end(row.parameters), is_this))
      throw Error("expected a parameter of the loss " + name + "; received '" + parameter + "'");
  }
  check_loss(settings);
  return settings;
}

OptimizerSettings optimizer_settings(const std::string& name, const std::map<std::string, double>& given) {
  const OptimizerRow& row = row_of(kOptimizers, "an optimizer", name);
  OptimizerSettings optimizer{row.kind};
  for (std::size_t i = 0; i < kMostSettings; ++i) optimizer.settings[i] = row.settings[i].initial;
  for (const auto& [setting, value] : given) {
    const std::size_t i = setting_index(row, setting);
    if (i < kMostSettings)
      optimizer.settings[i] = value;
    else if (!set_common(optimizer, setting, value))
      throw Error("expected a setting of the optimizer " + name + ", one of " + names_of(row) + "; received '" +
                  setting + "'");
  }
  check_optimizer(optimizer);
  return optimizer;
}

}  // namespace fastnn
