// How Python sees a built network.
#pragma once

#include <pybind11/pybind11.h>

#include <string>
#include <tuple>

#include "fastnn/network.hpp"

namespace fastnn::border {

// (units, activation's name, its parameters, kernel, bias, scale, shift), as Python describes a layer; None for an
// array that it does not have.
using LayerDescription = std::tuple<std::size_t, std::string, ActivationParameters, pybind11::object, pybind11::object,
                                    pybind11::object, pybind11::object>;

// Adds the types Network32 and Network64, of float and double.
void bind_networks(pybind11::module_& module);

}  // namespace fastnn::border
