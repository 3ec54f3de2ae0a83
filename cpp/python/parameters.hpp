// Tables of parameters as Python sees them.
#pragma once

#include <pybind11/pybind11.h>

#include "fastnn/activation.hpp"

namespace fastnn::border {

// {parameter: its default, or None}.
template <class Rows>
pybind11::dict parameters_in(const Rows& rows) {
  pybind11::dict parameters;
  for (const Parameter& row : rows) {
    if (row.name == nullptr) continue;
    const bool has_default = row.domain != Domain::minimum && row.domain != Domain::maximum;
    parameters[row.name] = has_default ? pybind11::object(pybind11::float_(row.initial)) : pybind11::none();
  }
  return parameters;
}

}  // namespace fastnn::border
