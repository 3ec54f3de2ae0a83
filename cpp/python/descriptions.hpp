// Layers as Python describes them (fastnn.layers.layer.Description), for networks and trainers.
#pragma once

#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "arrays.hpp"
#include "fastnn/network.hpp"

namespace fastnn::border {

// (class name, units, activation, parameters by name, weights by name).
using Description =
    std::tuple<std::string, std::size_t, std::string, std::map<std::string, double>, std::map<std::string, py::object>>;

// Returns the values of parameters in the order of their rows. Throws ValueError for a missing or an unknown name.
inline Parameters parameters_by_name(const std::vector<Parameter>& rows, const std::map<std::string, double>& given) {
  Parameters parameters{};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto found = given.find(rows[i].name);
    if (found == given.end()) throw py::value_error(std::string("expected the parameter ") + rows[i].name);
    parameters[i] = found->second;
  }
  if (rows.size() != given.size()) throw py::value_error("expected no other parameters; received more");
  return parameters;
}

// Returns the shapes of a layer's weights by name.
inline std::map<std::string, std::vector<py::ssize_t>> weight_shapes(const Description& description,
                                                                     std::size_t inputs) {
  const auto units = static_cast<py::ssize_t>(std::get<1>(description));
  std::map<std::string, std::vector<py::ssize_t>> shapes;
  for (const auto& weight : std::get<4>(description))
    shapes[weight.first] =
        weight.first == "kernel" ? std::vector{static_cast<py::ssize_t>(inputs), units} : std::vector{units};
  return shapes;
}

// Arrays of weights come from fastnn.layers, which has checked them; the shapes are checked again.
template <class T>
const T* weights_of(const py::object& object, const std::vector<py::ssize_t>& shape, std::vector<py::array>& alive) {
  auto array = py::array_t<T, py::array::c_style>::ensure(object);
  if (!array)
    throw py::type_error("expected weights of dtype " + py::str(py::dtype::of<T>()).template cast<std::string>());
  if (std::vector<py::ssize_t>(array.shape(), array.shape() + array.ndim()) != shape)
    throw py::value_error("expected weights of shape " +
                          py::str(py::tuple(py::cast(shape))).template cast<std::string>() + "; received " +
                          shape_text(array));
  alive.push_back(array);
  return array.data();
}

// Returns the layer, whose weights live as long as `alive`.
template <class T>
Layer<T> layer_of(const Description& description, std::size_t inputs, std::vector<py::array>& alive) {
  const auto& [class_name, units, activation, parameters, arrays] = description;
  Layer<T> layer{layer_row(class_name).kind, units, activation_row(activation).activation};
  layer.parameters = parameters_by_name(parameters_of(layer.kind, layer.activation), parameters);
  const auto shapes = weight_shapes(description, inputs);
  for (const auto& [name, array] : arrays) layer.weights[name] = weights_of<T>(array, shapes.at(name), alive);
  return layer;
}

}  // namespace fastnn::border
