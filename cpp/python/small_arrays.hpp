// The conversion of a small array's numbers. NumPy's own takes 5 µs whatever the size, as long as some hundred rows of
// a small network.
#pragma once

#include "arrays.hpp"

namespace fastnn::border {

// Returns a C-contiguous copy of dtype T with the values of NumPy's astype, each rounded to nearest. Returns a null
// object for what takes NumPy: more than 2^14 numbers, more than two axes, and dtypes other than native bool, integers
// and floats of at most 64 bits.
template <class T>
py::object small_converted(const py::array& array);

}  // namespace fastnn::border
