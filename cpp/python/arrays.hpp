// Converts Python objects to rows in memory and back, and refuses what is no valid input. It computes nothing.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <string>
#include <vector>

#include "fastnn/network.hpp"

namespace fastnn::border {

namespace py = pybind11;

// An input of shape (..., inputs) as an array, as a matrix of rows (`flat`), and as pointer and strides. `rows` is
// valid as long as `flat` lives.
template <class T>
struct Input {
  py::array array;
  py::array flat;
  Rows<T> rows;
};

// Accepts rows of shape (..., inputs). Arrays of T are used in place, whatever their layout; other dtypes are converted
// once. What is no array of real numbers is as_numbers(x), a Python function, which throws for what has none. Throws
// ValueError if the last axis is not `inputs` long.
template <class T>
Input<T> input_rows(py::handle x, std::size_t inputs, py::handle as_numbers);

// Keeps other threads from freeing the memory of arrays while code runs without the GIL, ours or NumPy's. NumPy does
// not resize an array that has a weak reference, not even with refcheck=False.
class Held {
 public:
  explicit Held(const std::vector<py::array>& arrays);

 private:
  std::vector<py::weakref> references_;  // to the arrays and to their bases
};

// Returns a copy of dtype `dtype`. Each number is rounded to nearest, also to infinity. The caller's floating-point
// mode and NumPy's error settings have no effect.
py::array converted(const py::array& array, const py::dtype& dtype);

// The shape (..., units) of the outputs for x (..., inputs). An array, not a std::vector: allocating takes longer than
// filling.
class Shape {
 public:
  Shape(const py::array& x, std::size_t units);
  int dimensions() const { return dimensions_; }
  const py::ssize_t* begin() const { return sizes_; }
  const py::ssize_t* end() const { return sizes_ + dimensions_; }

 private:
  int dimensions_;
  py::ssize_t sizes_[64];  // the most axes of a NumPy array
};

// Returns an uninitialised array. The constructor of py::array_t takes three times as long.
template <class T>
py::array new_array(const Shape& shape);

// Returns `out`, checked as NumPy checks its out arguments. Throws TypeError unless it is an array, and ValueError
// unless it is writeable and C-contiguous and has exactly `shape` and dtype T.
template <class T>
py::array output_array(py::handle out, const Shape& shape);

// Returns the shape as Python writes it: "(2,)", "(3, 4)".
std::string shape_text(const py::array& array);

// Returns whether the memory bounds of two arrays overlap, as np.may_share_memory.
bool may_share_memory(const py::array& a, const py::array& b);

}  // namespace fastnn::border
