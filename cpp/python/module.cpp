// The border: Python's arrays in, Python's arrays out, the GIL released in long calls; nothing is computed here.
#include "../core/floating_point_mode.hpp"
#include "../core/machine.hpp"
#include "../io/usable_cpus.hpp"
#include "arrays.hpp"
#include "fastnn/isa.hpp"
#include "fastnn/threads.hpp"
#include "files.hpp"
#include "gil.hpp"
#include "network.hpp"

namespace py = pybind11;

// By this symbol threadpoolctl tells the module from others of its name (python/fastnn/threads.py).
extern "C" __attribute__((visibility("default"))) const char fastnn_version[] = FASTNN_VERSION;

PYBIND11_MODULE(_core_of_the_main_interpreter, module) {
  using namespace fastnn;
  using namespace fastnn::border;
  module.doc() = "The compiled core of fastnn.";
  module.attr("__version__") = FASTNN_VERSION;
  module.attr("numerics_version") = kNumericsVersion;
  py::dict activations;
  for (const std::string& name : activation_names())
    activations[py::str(name)] = py::tuple(py::cast(activation_parameter_names(activation_from_name(name))));
  module.attr("activations") = activations;
  module.def(
      "check_parameters",
      [](const std::string& activation, const ActivationParameters& parameters) {
        check_parameters(activation_from_name(activation), parameters);
      },
      py::arg("activation"), py::arg("parameters"), "ValueError for parameters that the activation cannot have.");
  module.attr("compiler") = FASTNN_COMPILER;

  const auto format_error = py::register_exception<ModelFormatError>(module, "ModelFormatError", PyExc_ValueError);
  py::register_exception<UnsupportedModelError>(module, "UnsupportedModelError", format_error);
  py::register_exception<LimitError>(module, "LimitError", format_error);

  bind_networks(module);
  bind_files(module);

  module.def("columns", &columns, py::arg("x"), "The length of the last axis of x, an array of real numbers.");
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
