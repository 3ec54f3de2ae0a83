// How layers are trained, as Python says it: options by name (fastnn.layers.training).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

#include "arrays.hpp"
#include "fastnn/trainer.hpp"

namespace fastnn::border {

using Settings = std::map<std::string, double>;

template <class V>
V option(const py::dict& options, const char* name, V otherwise) {
  return options.contains(name) ? options[name].cast<V>() : otherwise;
}

inline Noise noise_of(const py::dict& options) {
  if (!options.contains("noise")) return {};
  const auto [kind, rate, seed] =
      options["noise"].cast<std::tuple<std::string, double, std::optional<std::uint64_t>>>();
  if (kind == "dropout") return {NoiseKind::dropout, rate, seed};
  if (kind == "alpha_dropout") return {NoiseKind::alpha_dropout, rate, seed};
  if (kind == "gaussian_noise") return {NoiseKind::gaussian_noise, rate, seed};
  throw py::value_error("expected noise to be dropout, alpha_dropout or gaussian_noise; received " + kind);
}

inline Constraint constraint_of(const std::string& kind, const Settings& given) {
  Constraint constraint;
  if (kind == "max_norm")
    constraint.kind = ConstraintKind::max_norm;
  else if (kind == "non_neg")
    constraint.kind = ConstraintKind::non_neg;
  else if (kind == "unit_norm")
    constraint.kind = ConstraintKind::unit_norm;
  else if (kind == "min_max_norm")
    constraint.kind = ConstraintKind::min_max_norm;
  else
    throw py::value_error("expected a constraint max_norm, non_neg, unit_norm or min_max_norm; received " + kind);
  for (const auto& [name, value] : given) {
    if (name == "max_value")
      constraint.maximum = value;
    else if (name == "min_value")
      constraint.minimum = value;
    else if (name == "rate")
      constraint.rate = value;
    else
      throw py::value_error("expected max_value, min_value or rate; received " + name);
  }
  return constraint;
}

template <class T>
TrainedLayer<T> trained_layer(Layer<T> layer, const py::dict& options) {
  TrainedLayer<T> trained{std::move(layer)};
  trained.trainable = option(options, "trainable", true);
  trained.momentum = option(options, "momentum", 0.99);
  trained.noise = noise_of(options);
  const auto activity = option(options, "activity", std::pair<double, double>());
  trained.activity_l1 = activity.first;
  trained.activity_l2 = activity.second;
  for (const auto& [name, factor] : option(options, "multipliers", Settings()))
    trained.weights[name].multiplier = factor;
  for (const auto& [name, decays] : option(options, "decays", std::map<std::string, bool>()))
    trained.weights[name].decays = decays;
  for (const auto& [name, l] : option(options, "regularizers", std::map<std::string, std::pair<double, double>>())) {
    trained.weights[name].l1 = l.first;
    trained.weights[name].l2 = l.second;
  }
  for (const auto& [name, given] :
       option(options, "constraints", std::map<std::string, std::pair<std::string, Settings>>()))
    trained.weights[name].constraint = constraint_of(given.first, given.second);
  return trained;
}

}  // namespace fastnn::border
