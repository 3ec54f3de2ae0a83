#include "training_checks.hpp"

#include <string>

#include "elementary.hpp"
#include "optimizer.hpp"

namespace fastnn {
namespace {

void check_noise(const std::string& where, const Noise& noise) {
  switch (noise.kind) {
    case NoiseKind::none: return;
    case NoiseKind::dropout: return check_value(where + "rate", Domain::fraction, noise.rate);
    case NoiseKind::alpha_dropout: return check_value(where + "rate", Domain::below_1, noise.rate);
    case NoiseKind::gaussian_noise: return check_value(where + "rate", Domain::not_negative, noise.rate);
  }
  throw Error(where + "expected a NoiseKind; received one numbered " + std::to_string(static_cast<int>(noise.kind)));
}

void check_constraint(const std::string& where, const Constraint& constraint) {
  if (constraint.kind > ConstraintKind::min_max_norm)
    throw Error(where + "expected a ConstraintKind; received one numbered " +
                std::to_string(static_cast<int>(constraint.kind)));
  check_value(where + "minimum", Domain::not_negative, constraint.minimum);
  check_value(where + "maximum", Domain::not_negative, constraint.maximum);
  if (constraint.kind == ConstraintKind::min_max_norm && constraint.minimum > constraint.maximum)
    throw Error(where + "minimum: expected at most the maximum, " + std::to_string(constraint.maximum) + "; received " +
                std::to_string(constraint.minimum));
  check_value(where + "rate", Domain::fraction, constraint.rate);
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
  const auto& rows = kLosses[number].parameters;
  for (std::size_t i = 0; i < kMostLossParameters && rows[i].name != nullptr; ++i)
    check_value(rows[i].name, rows[i].domain, loss.parameters[i]);
}

void check_optimizer(const OptimizerSettings& optimizer) {
  const auto& rows = optimizer_row(optimizer.kind).settings;
  for (std::size_t i = 0; i < kMostSettings && rows[i].name != nullptr; ++i)
    check_value(rows[i].name, rows[i].domain, optimizer.settings[i]);
  check_value("weight_decay", Domain::not_negative, optimizer.weight_decay);
  check_value("clipnorm", Domain::not_negative, optimizer.clipnorm);
  check_value("global_clipnorm", Domain::not_negative, optimizer.global_clipnorm);
  check_value("clipvalue", Domain::not_negative, optimizer.clipvalue);
  check_value("ema_momentum", Domain::fraction, optimizer.ema_momentum);
  if (optimizer.accumulation_steps == 0) throw Error("accumulation_steps: expected at least 1; received 0");
}

void check_learning_rate(double rate) {
  if (!elementary::is_finite(rate) || rate < 0)
    check_value("learning_rate", Domain::not_negative, rate);  // no string for each step
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
    check_value(where + "momentum", Domain::fraction, layer.momentum);
    check_noise(where, layer.noise);
    check_value(where + "activity_l1", Domain::not_negative, layer.activity_l1);
    check_value(where + "activity_l2", Domain::not_negative, layer.activity_l2);
    for (const auto& [name, training] : layer.weights) {
      const std::string of_weight = where + name + ": ";
      if (!has_weight(layer.layer.kind, name))
        throw Error(where + "expected a weight of the layer; received '" + name + "'");
      check_value(of_weight + "multiplier", Domain::not_negative, training.multiplier);
      check_value(of_weight + "l1", Domain::not_negative, training.l1);
      check_value(of_weight + "l2", Domain::not_negative, training.l2);
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
