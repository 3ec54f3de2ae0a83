// How Python reads and writes files.
#pragma once

#include <pybind11/pybind11.h>

namespace fastnn::border {

// Adds the functions that read and write files, and the type OutputFile.
void bind_files(pybind11::module_& module);

}  // namespace fastnn::border
