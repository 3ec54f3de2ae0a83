// The parts that cpp/python/module.cpp puts together.
#pragma once

#include <pybind11/pybind11.h>

namespace fastnn::border {

// Adds the types Network32 and Network64, of float and double, and check_parameters().
void bind_networks(pybind11::module_& module);

// Adds the types Trainer32 and Trainer64.
void bind_trainers(pybind11::module_& module);

// Adds the tables of optimizers and losses.
void bind_training_tables(pybind11::module_& module);

// Adds the functions that read and write files, and the type OutputFile.
void bind_files(pybind11::module_& module);

// Adds derivative(), backward() and loss(), the kernels of training, which tests call one by one.
void bind_training_kernels(pybind11::module_& module);

// Adds random numbers and elementary functions.
void bind_random(pybind11::module_& module);

}  // namespace fastnn::border
