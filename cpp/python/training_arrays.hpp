// The rows of a trainer's calls: arrays of Python, checked, as the batches of trainer.hpp. Nothing is copied.
#pragma once

#include <string>
#include <vector>

#include "training.hpp"

namespace fastnn::border {

// A matrix of T with `columns` columns, wherever it lies.
template <class T>
Rows<T> rows_of(const py::array& array, std::size_t columns, const char* name) {
  const auto size = static_cast<py::ssize_t>(sizeof(T));
  if (!py::isinstance<py::array_t<T>>(array) || array.ndim() != 2 ||
      array.shape(1) != static_cast<py::ssize_t>(columns) || array.strides(0) % size != 0 ||
      array.strides(1) % size != 0)
    throw py::value_error(std::string("expected ") + name + " of shape (rows, " + std::to_string(columns) +
                          ") and dtype " + py::str(py::dtype::of<T>()).cast<std::string>() + "; received shape " +
                          shape_text(array));
  return {static_cast<const T*>(array.data()), static_cast<std::size_t>(array.shape(0)), array.strides(0) / size,
          array.strides(1) / size};
}

template <class T>
py::array_t<T, py::array::c_style> vector_of(py::handle object, const char* name) {
  if (!py::isinstance<py::array_t<T, py::array::c_style>>(object) ||
      py::reinterpret_borrow<py::array>(object).ndim() != 1)
    throw py::type_error(std::string("expected ") + name + " to be a contiguous vector of dtype " +
                         py::str(py::dtype::of<T>()).cast<std::string>());
  return py::reinterpret_borrow<py::array_t<T, py::array::c_style>>(object);
}

// The numbers of the rows in order: a vector, or a matrix with a row for each epoch.
inline py::array_t<std::int64_t, py::array::c_style> orders_of(py::handle object) {
  using Numbers = py::array_t<std::int64_t, py::array::c_style>;
  if (py::isinstance<Numbers>(object) && py::reinterpret_borrow<py::array>(object).ndim() == 2)
    return py::reinterpret_borrow<Numbers>(object);
  return vector_of<std::int64_t>(object, "order");
}

inline py::array array_of(py::handle object, const char* name) {
  if (!py::isinstance<py::array>(object)) throw py::type_error(std::string("expected ") + name + " to be an array");
  return py::reinterpret_borrow<py::array>(object);
}

// The arrays of a call, and the batches in them.
template <class T>
struct Given {
  std::vector<py::array> arrays;
  Batches<T> batches;
};

template <class T>
Given<T> given_rows(const Training<T>& training, py::handle x, py::handle y, py::handle weights, py::handle order) {
  Given<T> given;
  Batches<T>& batches = given.batches;
  given.arrays = {array_of(x, "x")};
  batches.x = rows_of<T>(given.arrays[0], training.trainer->inputs(), "x");
  batches.rows = batches.x.rows;
  if (!y.is_none()) {
    given.arrays.push_back(array_of(y, "y"));
    batches.y = rows_of<T>(given.arrays.back(), training.target_columns, "y");
    if (batches.y.rows != batches.rows) throw py::value_error("expected as many rows of y as of x");
  }
  if (!weights.is_none()) {
    const auto vector = vector_of<T>(weights, "weights");
    if (static_cast<std::size_t>(vector.size()) != batches.rows)
      throw py::value_error("expected as many weights as rows of x");
    batches.weights = vector.data();
    given.arrays.push_back(vector);
  }
  if (!order.is_none()) {
    const auto numbers = orders_of(order);
    batches.order = numbers.data();
    batches.rows = static_cast<std::size_t>(numbers.size());
    if (numbers.ndim() == 2) batches.epoch_rows = static_cast<std::size_t>(numbers.shape(1));
    given.arrays.push_back(numbers);
  }
  return given;
}

// The place of a call's outputs.
template <class T>
T* given_outputs(const Training<T>& training, py::handle object, Given<T>& given) {
  py::array outputs = array_of(object, "outputs");
  const Rows<T> shape = rows_of<T>(outputs, training.trainer->units(), "outputs");
  if (shape.rows != given.batches.rows || !(outputs.flags() & py::array::c_style) || !outputs.writeable())
    throw py::value_error("expected outputs to be contiguous and writeable, with as many rows as there are to compute");
  given.arrays.push_back(outputs);
  return static_cast<T*>(outputs.mutable_data());
}

}  // namespace fastnn::border
