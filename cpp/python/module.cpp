// The border: Python's arrays in, Python's arrays out, the GIL released in long calls; nothing is computed here.
#include "../core/floating_point_mode.hpp"
#include "../core/machine.hpp"
#include "../io/usable_cpus.hpp"
#include "answer_memory.hpp"
#include "arrays.hpp"
#include "bindings.hpp"
#include "fastnn/isa.hpp"
#include "fastnn/threads.hpp"
#include "gil.hpp"
#include "parameters.hpp"

namespace py = pybind11;

namespace fastnn::border {

extern const char single_header[];  // made by cmake/single_header.cmake

namespace {

// {activation: {parameter: default}}.
py::dict activations() {
  py::dict table;
  for (const ActivationRow& row : kActivations) table[row.name] = parameters_in(row.parameters);
  return table;
}

// The names of activations that need all units of a row.
py::frozenset whole_row_activations() {
  py::set names;
  for (const ActivationRow& row : kActivations)
    if (row.applies == Applies::to_whole_rows) names.add(row.name);
  return py::frozenset(names);
}

// {class name: (has an activation, {parameter: default}, {weight: (axes, initial value, option or None)})}.
py::dict layers() {
  py::dict table;
  for (const LayerRow& row : kLayers) {
    py::dict weights;
    for (const WeightRow& weight : row.weights) {
      if (weight.name == nullptr) continue;
      const py::object axes = weight.shape == WeightShape::units ? py::object(py::make_tuple("units"))
                                                                 : py::object(py::make_tuple("inputs", "units"));
      weights[weight.name] = py::make_tuple(axes, weight.initial, weight.option);
    }
    table[row.class_name] = py::make_tuple(row.has_activation, parameters_in(row.parameters), weights);
  }
  return table;
}

}  // namespace
}  // namespace fastnn::border

// By this symbol threadpoolctl tells the module from others of its name (python/fastnn/threads.py).
extern "C" __attribute__((visibility("default"))) const char fastnn_version[] = FASTNN_VERSION;

PYBIND11_MODULE(_core_of_the_main_interpreter, module) {
  using namespace fastnn;
  using namespace fastnn::border;
  module.doc() = "The compiled core of fastnn.";
  prepare_answer_memory();
  module.attr("__version__") = FASTNN_VERSION;
  module.attr("numerics_version") = kNumericsVersion;
  module.attr("activations") = activations();
  module.attr("whole_row_activations") = whole_row_activations();
  module.attr("layers") = layers();
  module.attr("compiler") = FASTNN_COMPILER;
  module.attr("single_header") = py::str(single_header);

  const auto format_error = py::register_exception<ModelFormatError>(module, "ModelFormatError", PyExc_ValueError);
  py::register_exception<UnsupportedModelError>(module, "UnsupportedModelError", format_error);
  py::register_exception<LimitError>(module, "LimitError", format_error);

  bind_networks(module);
  bind_trainers(module);
  bind_training_tables(module);
  bind_files(module);
  bind_training_kernels(module);
  bind_random(module);

  module.def("converted", &converted, py::arg("array"), py::arg("dtype"),
             "A copy, each number rounded to the nearest of dtype in the default floating-point mode.");
  module.def(
      "default_floating_point_mode", [] { return DefaultFloatingPointMode::exchange(); },
      "Set this thread's floating-point mode to the default; the word for what it was.");
  module.def(
      "set_floating_point_mode", [](DefaultFloatingPointMode::Word word) { DefaultFloatingPointMode::exchange(word); },
      py::arg("word"));
  module.def("isas", &isas);
  module.def("unsupported_isas", &unsupported_isas);
  module.def("isa", &isa);
  module.def(
      "set_isa",
      [](const py::object& name) {
        if (!py::isinstance<py::str>(name)) throw py::type_error("expected isa to be a string, one of fastnn.isas()");
        set_isa(py::str(name.attr("encode")("ascii", "replace").attr("decode")("ascii")));
      },
      py::arg("name"));
  module.def(
      "fma_rate",
      [](const std::string& dtype, double seconds, std::size_t threads) {
        if (dtype != "float32" && dtype != "float64") throw py::value_error("expected dtype float32 or float64");
        return without_gil([&](FunctionRef<bool()> go_on) {
          return dtype == "float64" ? fma_rate<double>(seconds, threads, go_on)
                                    : fma_rate<float>(seconds, threads, go_on);
        });
      },
      py::arg("dtype"), py::arg("seconds"), py::arg("threads") = 1,
      "FLOP/s of fused multiply-adds in registers by so many threads together.");
  module.def(
      "read_bandwidth",
      [](std::size_t bytes, double seconds, std::size_t threads) {
        return without_gil([&](FunctionRef<bool()> go_on) { return read_bandwidth(bytes, seconds, threads, go_on); });
      },
      py::arg("bytes"), py::arg("seconds"), py::arg("threads") = 1,
      "Bytes a second of so many threads that each read all of so many bytes over and over.");
  module.attr("most_threads") = kMostThreads;
  module.def("num_threads", &num_threads);
  module.def("set_num_threads", &set_num_threads, py::arg("threads"));
  module.def("usable_cpus", py::overload_cast<const std::string&>(&usable_cpus), py::arg("root") = "/");
}

// Asked before pybind11 is, whose start in a sub-interpreter of Python 3.11 waits for itself.
extern "C" PYBIND11_EXPORT PyObject* PyInit__core() {
  if (PyInterpreterState_Get() == PyInterpreterState_Main()) return PyInit__core_of_the_main_interpreter();
  PyErr_SetString(PyExc_ImportError, "expected fastnn to be imported in the main interpreter; received another one");
  return nullptr;
}
