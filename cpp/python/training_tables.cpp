// The tables of optimizers and losses, as dicts of Python.
#include "bindings.hpp"
#include "fastnn/losses.hpp"
#include "fastnn/optimizers.hpp"
#include "parameters.hpp"

namespace py = pybind11;

namespace fastnn::border {

void bind_training_tables(py::module_& module) {
  py::dict optimizers;
  for (const OptimizerRow& row : kOptimizers) {
    py::list slots;
    for (const Slot& slot : row.slots)
      if (slot.name != nullptr) slots.append(slot.name);
    optimizers[row.name] = py::make_tuple(parameters_in(row.settings), py::tuple(slots));
  }
  module.attr("optimizers") = optimizers;
  py::dict losses;
  for (const LossRow& row : kLosses) losses[row.name] = parameters_in(row.parameters);
  module.attr("losses") = losses;
}

}  // namespace fastnn::border
