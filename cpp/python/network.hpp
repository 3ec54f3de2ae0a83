// How Python sees a built network.
#pragma once

#include <pybind11/pybind11.h>

#include <map>
#include <string>
#include <vector>

#include "fastnn/network.hpp"

namespace fastnn::border {

// A layer as Python describes it (fastnn.layers.layer.Description).
struct LayerDescription {
  LayerKind kind;
  std::size_t units;
  Activation activation;
  Parameters parameters;
  std::map<std::string, pybind11::object> weights;  // arrays, by name
};

// Of (class name, units, activation, {parameter: value}, {weight: array}).
LayerDescription layer_described(const pybind11::handle& description);

// The values of parameters in the order of their rows; ValueError for a missing or an unknown name.
Parameters parameters_by_name(const std::vector<Parameter>& rows, const std::map<std::string, double>& given);

// Adds the types Network32 and Network64, of float and double.
void bind_networks(pybind11::module_& module);

}  // namespace fastnn::border
