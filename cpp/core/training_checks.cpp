#include "training_checks.hpp"

#include <string>

#include "elementary.hpp"
#include "optimizer.hpp"

namespace fastnn {
namespace {

using elementary::is_finite;

std::string received(double value) { return "; received " + std::to_string(value); }

void not_negative(const std::string& name, double value) {
  if (!is_finite(value) || value < 0) throw Error(name + ": expected a finite number of at least 0" + received(value));
}

void fraction(const std::string& name, double value) {
  if (!(value >= 0 && value <= 1)) throw Error(name + ": expected a number from 0 to 1" + received(value));
}

void below_1(const std::string& name, double value) {
  if (!(value >= 0 && value < 1)) throw Error(name + ": expected a number of at least 0 and below 1" + received(value));
}

void check_noise(const std::string& where, const Noise& noise) {
  switch (noise.kind) {
    case NoiseKind::none: return;
    case NoiseKind::dropout: return fraction(where + "rate", noise.rate);
    case NoiseKind::alpha_dropout: return below_1(where + "rate", noise.rate);
    case NoiseKind::gaussian_noise: return not_negative(where + "rate", noise.rate);
  }
  throw Error(where + "expected a NoiseKind; received one numbered " + std::to_string(static_cast<int>(noise.kind)));
}

void check_constraint(const std::string& where, const Constraint& constraint) {
  if (constraint.kind > ConstraintKind::min_max_norm)
    throw Error(where + "expected a ConstraintKind; received one numbered " +
                std::to_string(static_cast<int>(constraint.kind)));
  not_negative(where + "minimum", constraint.minimum);
  not_negative(where + "maximum", constraint.maximum);
  if (constraint.kind == ConstraintKind::min_max_norm && constraint.minimum > constraint.maximum)
    throw Error(where + "minimum: expected at most the maximum, " + std::to_string(constraint.maximum) +
                received(constraint.minimum));
  fraction(where + "rate", constraint.rate);
}

bool has_weight(LayerKind kind, const std::string& name) {
  for (const WeightRow& weight : layer_row(kind).weights)
    if (weight.name != nullptr && name == weight.name) return true;
  return false;
}

}  // namespace

void check_loss(const LossSettings& loss) {
  const int number = static_cast<int>(loss.loss);
  if (number < 0 || number >= kLossCount)
    throw Error("expected a loss of losses.hpp; received one numbered " + std::to_string(number));
  for (std::size_t i = 0; i < kMostLossParameters; ++i) {
    const Parameter& row = kLosses[number].parameters[i];
    if (row.name == nullptr) return;
    const double value = loss.parameters[i];
    const std::string name = row.name;
    if (name == "label_smoothing" || name == "quantile")
      fraction(name, value);
    else
      not_negative(name, value);
    if (row.domain == Domain::positive && value == 0) throw Error(name + ": expected more than 0" + received(value));
  }
}

void check_optimizer(const OptimizerSettings& optimizer) {
  const OptimizerRow& row = optimizer_row(optimizer.kind);
  const bool divides = optimizer.kind == OptimizerKind::adam || optimizer.kind == OptimizerKind::adamax ||
                       optimizer.kind == OptimizerKind::nadam;  // by 1 - beta^step
  for (std::size_t i = 0; i < kMostSettings && row.settings[i].name != nullptr; ++i) {
    const std::string name = row.settings[i].name;
    const double value = optimizer.settings[i];
    const bool is_beta = name == "beta_1" || name == "beta_2";
    if (is_beta && divides)
      below_1(name, value);
    else if (is_beta || name == "rho" || name == "momentum")
      fraction(name, value);
    else
      not_negative(name, value);
  }
  not_negative("weight_decay", optimizer.weight_decay);
  not_negative("clipnorm", optimizer.clipnorm);
  not_negative("global_clipnorm", optimizer.global_clipnorm);
  not_negative("clipvalue", optimizer.clipvalue);
  fraction("ema_momentum", optimizer.ema_momentum);
  if (optimizer.accumulation_steps == 0) throw Error("accumulation_steps: expected at least 1; received 0");
}

void check_learning_rate(double rate) {
  if (!is_finite(rate) || rate < 0) not_negative("learning_rate", rate);  // no string for each step
}

template <class T>
void check_layers(const std::vector<TrainedLayer<T>>& layers) {
  bool trains = false;  // weights of this layer or of those before it
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const TrainedLayer<T>& layer = layers[i];
    const std::string where = "layer " + std::to_string(i) + ": ";
    trains = trains || (layer.trainable && !layer.layer.weights.empty());
    if (trains && layer.layer.activation == Activation::step)
      throw Error(where + "step has no derivative, so this layer and those before it cannot be trained");
    fraction(where + "momentum", layer.momentum);
    check_noise(where, layer.noise);
    not_negative(where + "activity_l1", layer.activity_l1);
    not_negative(where + "activity_l2", layer.activity_l2);
    for (const auto& [name, training] : layer.weights) {
      const std::string of_weight = where + name + ": ";
      if (!has_weight(layer.layer.kind, name))
        throw Error(where + "expected a weight of the layer; received '" + name + "'");
      not_negative(of_weight + "multiplier", training.multiplier);
      not_negative(of_weight + "l1", training.l1);
      not_negative(of_weight + "l2", training.l2);
      check_constraint(of_weight, training.constraint);
    }
  }
}

template <class T>
void check_batches(const Batches<T>& batches) {
  const auto rows_of = [](std::size_t rows) { return std::to_string(rows) + (rows == 1 ? " row" : " rows"); };
  if (batches.x.data == nullptr) throw Error("expected x; received a null pointer");
  if (batches.y.data == nullptr) throw Error("expected y; received a null pointer");
  if (batches.y.rows != batches.x.rows)
    throw Error("expected as many rows of y as of x, " + std::to_string(batches.x.rows) + "; received " +
                std::to_string(batches.y.rows));
  if (batches.order == nullptr && batches.rows > batches.x.rows)
    throw Error("expected at most the " + rows_of(batches.x.rows) + " of x; received " + std::to_string(batches.rows));
  if (batches.batch_size == 0) throw Error("batch_size: expected at least 1; received 0");
  const auto end = static_cast<std::int64_t>(batches.x.rows);
  for (std::size_t i = 0; batches.order != nullptr && i < batches.rows; ++i)
    if (batches.order[i] < 0 || batches.order[i] >= end)
      throw Error("order: expected numbers from 0 to " + std::to_string(end - 1) + ", those of the rows; received " +
                  std::to_string(batches.order[i]));
}

template void check_layers(const std::vector<TrainedLayer<float>>&);
template void check_layers(const std::vector<TrainedLayer<double>>&);
template void check_batches(const Batches<float>&);
template void check_batches(const Batches<double>&);

}  // namespace fastnn
