// From Python objects to rows in memory, and the refusals on the way.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <initializer_list>
#include <string>
#include <vector>

#include "fastnn/network.hpp"

namespace fastnn::border {

namespace py = pybind11;

// An array of T (..., inputs) and the same as rows, which stay alive as long as `flat` does.
template <class T>
struct Input {
  py::array array;
  py::array flat;
  Rows<T> rows;
};

// Whatever np.asarray accepts, of numbers: (..., inputs). Other dtypes are converted once; T in any layout is used as
// it is. Throws TypeError (not numbers) or ValueError (not the model's number of inputs).
template <class T>
Input<T> input_rows(py::handle x, std::size_t inputs);

// While it lives nobody can give these arrays' memory back: NumPy resizes none that has a weak reference, not even with
// refcheck=False. For calls without the GIL, ours and NumPy's.
class Held {
 public:
  explicit Held(std::initializer_list<py::array> arrays);

 private:
  std::vector<py::weakref> references_;  // to the arrays and to those whose memory they show
};

// A copy, each number rounded to the nearest of `dtype`, to infinity too, whatever the caller's floating-point mode and
// NumPy's handling of errors are.
py::array converted(const py::array& array, const py::dtype& dtype);

// The length of the last axis of an array that input_rows would take; throws what it throws.
std::size_t columns(py::handle x);

// The shape of the answers to x (..., inputs): (..., units). No vector, whose memory takes longer to get than to fill.
class Shape {
 public:
  Shape(const py::array& x, std::size_t units);
  int dimensions() const { return dimensions_; }
  const py::ssize_t* begin() const { return sizes_; }
  const py::ssize_t* end() const { return sizes_ + dimensions_; }

 private:
  int dimensions_;
  py::ssize_t sizes_[64];  // NumPy's most
};

// An array whose numbers are still to be written. py::array_t's constructor takes three times as long.
template <class T>
py::array new_array(const Shape& shape);

// `out` as NumPy wants it: an array of exactly `shape` and dtype T, writeable, and here C-contiguous; ValueError if
// not.
template <class T>
py::array output_array(py::handle out, const Shape& shape);

// Python's spelling of a shape: "(2,)", "(3, 4)".
std::string shape_text(const py::array& array);

// By their bounds, as np.may_share_memory.
bool may_share_memory(const py::array& a, const py::array& b);

}  // namespace fastnn::border
