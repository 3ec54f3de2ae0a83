// The border: Python's arrays in, Python's arrays out, the GIL released in long calls; nothing is computed here.
#include <algorithm>
#include <cerrno>

#include "../core/floating_point_mode.hpp"
#include "../core/machine.hpp"
#include "../io/usable_cpus.hpp"
#include "arrays.hpp"
#include "fastnn/isa.hpp"
#include "fastnn/model_file.hpp"
#include "fastnn/threads.hpp"
#include "gil.hpp"
#include "network.hpp"

namespace py = pybind11;

namespace fastnn::border {

extern const char single_header[];  // made by cmake/single_header.cmake

namespace {

py::array tensor(const std::vector<char>& data, Dtype dtype, const std::vector<py::ssize_t>& shape) {
  py::array array(dtype == Dtype::float32 ? py::dtype::of<float>() : py::dtype::of<double>(), shape);
  std::copy(data.begin(), data.end(), static_cast<char*>(array.mutable_data()));
  return array;
}

// -> (config as JSON, [weights of layer 0, weights of layer 1, …]), weights as Keras orders them: kernel, bias.
py::tuple load(const std::string& path) {
  const ModelFile model = [&] {
    const GilRelease release;
    return load_model(path);
  }();
  py::list weights;
  for (const ModelLayer& layer : model.layers) {
    py::list arrays;
    const auto inputs = static_cast<py::ssize_t>(layer.inputs), units = static_cast<py::ssize_t>(layer.units);
    if (!layer.kernel.empty()) arrays.append(tensor(layer.kernel, model.dtype, {inputs, units}));
    for (const auto* numbers : {&layer.bias, &layer.scale, &layer.shift})
      if (!numbers->empty()) arrays.append(tensor(*numbers, model.dtype, {units}));
    weights.append(arrays);
  }
  return py::make_tuple(py::str(model.config), weights);
}

std::vector<char> bytes_of(const py::object& object) {
  if (object.is_none()) return {};
  const py::array array(object);
  const auto* data = static_cast<const char*>(array.data());
  return std::vector<char>(data, data + array.nbytes());
}

void save(const std::string& path, const std::string& config, const std::string& dtype, std::size_t inputs,
          const std::vector<LayerDescription>& descriptions) {
  if (dtype != "float32" && dtype != "float64") throw py::value_error("expected dtype float32 or float64");
  ModelFile model = {config, dtype == "float64" ? Dtype::float64 : Dtype::float32, inputs, {}};
  for (const auto& [units, activation, parameters, kernel, bias, scale, shift] : descriptions) {
    model.layers.push_back({inputs, units, activation_from_name(activation), bytes_of(kernel), bytes_of(bias),
                            parameters, bytes_of(scale), bytes_of(shift)});
    inputs = units;
  }
  const GilRelease release;
  save_model(path, model);
}

// What the operating system says becomes OSError, with the subclass, errno and file name that Python's open() gives.
void translate_file_error(std::exception_ptr exception) {
  try {
    std::rethrow_exception(exception);
  } catch (const FileError& error) {
    errno = error.code;
    PyErr_SetFromErrnoWithFilename(PyExc_OSError, error.path.c_str());
  }
}

}  // namespace
}  // namespace fastnn::border

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
  module.attr("single_header") = py::str(single_header);

  const auto format_error = py::register_exception<ModelFormatError>(module, "ModelFormatError", PyExc_ValueError);
  py::register_exception<UnsupportedModelError>(module, "UnsupportedModelError", format_error);
  py::register_exception<LimitError>(module, "LimitError", format_error);
  py::register_exception_translator(&translate_file_error);

  bind_networks(module);

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
  module.def("load_model", &load, py::arg("path"));
  module.def("save_model", &save, py::arg("path"), py::arg("config"), py::arg("dtype"), py::arg("inputs"),
             py::arg("layers"));
}

// Asked before pybind11 is, whose start in a sub-interpreter of Python 3.11 waits for itself.
extern "C" PYBIND11_EXPORT PyObject* PyInit__core() {
  if (PyInterpreterState_Get() == PyInterpreterState_Main()) return PyInit__core_of_the_main_interpreter();
  PyErr_SetString(PyExc_ImportError, "expected fastnn to be imported in the main interpreter; received another one");
  return nullptr;
}
