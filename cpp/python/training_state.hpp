// What a trainer has learned, as arrays by name: the weights of a layer, the state of the optimizer.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "training.hpp"

namespace fastnn::border {

template <class T>
py::array shaped(const std::vector<T>& numbers, const std::vector<py::ssize_t>& shape) {
  py::array_t<T> array(shape);
  std::copy(numbers.begin(), numbers.end(), array.mutable_data());
  return std::move(array);
}

template <class T>
std::vector<T> numbers_of(py::handle object, const std::vector<py::ssize_t>& shape, const std::string& name) {
  const auto array = py::array_t<T, py::array::c_style>::ensure(object);
  if (!array || std::vector<py::ssize_t>(array.shape(), array.shape() + array.ndim()) != shape)
    throw py::value_error(name + ": expected an array of shape " +
                          py::str(py::tuple(py::cast(shape))).template cast<std::string>());
  return {array.data(), array.data() + array.size()};
}

inline std::size_t layer_number(PyObject* object, std::size_t layers) {
  const std::size_t number = PyLong_AsSize_t(object);
  if (PyErr_Occurred() != nullptr) throw py::error_already_set();
  if (number >= layers) throw py::index_error("expected the number of a layer");
  return number;
}

template <class T>
py::object weights(const Training<T>& training, PyObject* const* a, Py_ssize_t count) {
  check_count(count, 1, "weights(layer)");
  const std::size_t layer = layer_number(a[0], training.shapes.size());
  // Whoever reads a model's weights knows nothing of a step on another thread.
  const Use<T> trainer(training, Call::reads);
  py::dict result;
  const auto weights = trainer->weights(layer);
  for (const auto& [name, shape] : training.shapes[layer]) result[py::str(name)] = shaped(weights.at(name), shape);
  return std::move(result);
}

template <class T>
py::object set_weights(const Training<T>& training, PyObject* const* a, Py_ssize_t count) {
  check_count(count, 2, "set_weights(layer, weights)");
  const std::size_t layer = layer_number(a[0], training.shapes.size());
  std::map<std::string, std::vector<T>> weights;
  for (const auto& [name, array] : py::handle(a[1]).cast<std::map<std::string, py::object>>()) {
    const auto shape = training.shapes[layer].find(name);
    if (shape == training.shapes[layer].end()) throw py::value_error("expected weights of the layer; received " + name);
    weights[name] = numbers_of<T>(array, shape->second, name);
  }
  const Use<T> trainer(training);
  trainer->set_weights(layer, weights);
  return py::none();
}

// "slot/layer/weight" -> the shape of the weight.
template <class T>
const std::vector<py::ssize_t>* slot_shape(const Training<T>& training, const std::string& name) {
  const std::size_t first = name.find('/'), second = name.find('/', first + 1);
  if (first == std::string::npos || second == std::string::npos) return nullptr;
  for (std::size_t i = 0; i < training.shapes.size(); ++i)
    if (name.compare(first + 1, second - first - 1, std::to_string(i)) == 0) {
      const auto found = training.shapes[i].find(name.substr(second + 1));
      return found == training.shapes[i].end() ? nullptr : &found->second;
    }
  return nullptr;
}

template <class T>
py::object state(const Training<T>& training, PyObject* const*, Py_ssize_t count) {
  check_count(count, 0, "state()");
  const Use<T> trainer(training, Call::reads);
  const auto state = trainer->state();
  py::dict slots;
  for (const auto& [name, numbers] : state.slots) slots[py::str(name)] = shaped(numbers, *slot_shape(training, name));
  py::dict result;
  result["iterations"] = state.iterations;
  result["accumulated"] = state.accumulated;
  result["slots"] = slots;
  return std::move(result);
}

template <class T>
py::object set_state(const Training<T>& training, PyObject* const* a, Py_ssize_t count) {
  check_count(count, 1, "set_state(state)");
  const auto given = py::handle(a[0]).cast<py::dict>();
  typename Trainer<T>::State state;
  state.iterations = given["iterations"].cast<std::uint64_t>();
  state.accumulated = given["accumulated"].cast<std::uint64_t>();
  for (const auto& [name, array] : given["slots"].cast<std::map<std::string, py::object>>()) {
    const auto* shape = slot_shape(training, name);
    if (shape == nullptr) throw py::value_error("expected a slot of the optimizer; received " + name);
    state.slots[name] = numbers_of<T>(array, *shape, name);
  }
  const Use<T> trainer(training);
  trainer->set_state(state);
  return py::none();
}

}  // namespace fastnn::border
