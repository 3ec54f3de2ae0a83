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

constexpr std::pair<const char*, NoiseKind> kNoises[] = {{"dropout", NoiseKind::dropout},
                                                         {"alpha_dropout", NoiseKind::alpha_dropout},
                                                         {"gaussian_noise", NoiseKind::gaussian_noise}};

constexpr std::pair<const char*, ConstraintKind> kConstraints[] = {{"max_norm", ConstraintKind::max_norm},
                                                                   {"non_neg", ConstraintKind::non_neg},
                                                                   {"unit_norm", ConstraintKind::unit_norm},
                                                                   {"min_max_norm", ConstraintKind::min_max_norm}};

// Returns the kind of this name. Throws ValueError for another name.
template <class Kind, std::size_t count>
Kind kind_of(const std::pair<const char*, Kind> (&kinds)[count], const std::string& name) {
  std::string known;
  for (const auto& [each, kind] : kinds) {
    if (name == each) return kind;
    known += (known.empty() ? "" : ", ") + std::string(each);
  }
  throw py::value_error("expected one of " + known + "; received " + name);
}

inline Noise noise_of(const py::dict& options) {
  if (!options.contains("noise")) return {};
  const auto [kind, rate, seed] =
      options["noise"].cast<std::tuple<std::string, double, std::optional<std::uint64_t>>>();
  return {kind_of(kNoises, kind), rate, seed};
}

inline Constraint constraint_of(const std::string& kind, const Settings& given) {
  Constraint constraint{kind_of(kConstraints, kind)};
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
