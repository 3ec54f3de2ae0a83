// From Python objects to rows in memory, and the refusals on the way.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <string>
#include <vector>

#include "fastnn/network.hpp"

namespace fastnn::border {

namespace py = pybind11;

// Rows of T that stay alive as long as `array` does, and the shape in front of the last axis.
template <class T>
struct Input {
  py::array array;
  Rows<T> rows;
  std::vector<py::ssize_t> leading;
};

// Whatever np.asarray accepts, of numbers: (..., inputs). Other dtypes are converted once; T in any layout is used as
// it is. Throws TypeError (not numbers) or ValueError (not the model's number of inputs).
template <class T>
Input<T> input_rows(py::handle x, std::size_t inputs);

// A copy, each number rounded to the nearest of `dtype`, to infinity too, whatever the caller's floating-point mode and
// NumPy's handling of errors are.
py::array converted(const py::array& array, const py::dtype& dtype);

// The length of the last axis of an array that input_rows would take; throws what it throws.
std::size_t columns(py::handle x);

// `out` as NumPy wants it: an array of exactly `shape` and dtype T, writeable, and here C-contiguous; ValueError if
// not.
template <class T>
py::array output_array(py::handle out, const std::vector<py::ssize_t>& shape);

// Python's spelling of a shape: "(2,)", "(3, 4)".
std::string shape_text(const py::array& array);

// By their bounds, as np.may_share_memory.
bool may_share_memory(const py::array& a, const py::array& b);

}  // namespace fastnn::border
