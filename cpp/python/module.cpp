// The border: Python's arrays in, Python's arrays out, the GIL released in long calls; nothing is computed here.
#include <algorithm>
#include <cerrno>
#include <tuple>

#include "../core/machine.hpp"
#include "../core/reference.hpp"
#include "../io/usable_cpus.hpp"
#include "arrays.hpp"
#include "fastnn/isa.hpp"
#include "fastnn/model_file.hpp"
#include "fastnn/network.hpp"
#include "fastnn/threads.hpp"
#include "gil.hpp"
#include "method.hpp"

namespace py = pybind11;

namespace fastnn::border {
namespace {

// (units, activation's name, its parameters, kernel, bias, scale, shift), as Python describes a layer; None for an
// array that it does not have.
using LayerDescription =
    std::tuple<std::size_t, std::string, ActivationParameters, py::object, py::object, py::object, py::object>;

// Arrays of weights come from fastnn.layers, which has checked them; the shapes are checked again.
template <class T>
const T* weights(const py::object& object, const std::vector<py::ssize_t>& shape, std::vector<py::array>& alive) {
  if (object.is_none()) return nullptr;
  auto array = py::array_t<T, py::array::c_style>::ensure(object);
  if (!array) throw py::type_error("expected weights of dtype " + py::str(py::dtype::of<T>()).cast<std::string>());
  if (std::vector<py::ssize_t>(array.shape(), array.shape() + array.ndim()) != shape)
    throw py::value_error("expected weights of shape " + py::str(py::tuple(py::cast(shape))).cast<std::string>() +
                          "; received " + shape_text(array));
  alive.push_back(array);
  return array.data();
}

template <class T>
Network<T> build(std::size_t inputs, const std::vector<LayerDescription>& descriptions) {
  std::vector<Layer<T>> layers;
  std::vector<py::array> alive;
  auto width = static_cast<py::ssize_t>(inputs);
  for (const auto& [units, activation, parameters, kernel, bias, scale, shift] : descriptions) {
    const auto columns = static_cast<py::ssize_t>(units);
    layers.push_back({units, activation_from_name(activation), weights<T>(kernel, {width, columns}, alive),
                      weights<T>(bias, {columns}, alive), parameters, weights<T>(scale, {columns}, alive),
                      weights<T>(shift, {columns}, alive)});
    width = columns;
  }
  return Network<T>(inputs, layers);
}

// What run(go_on) returns, called without the GIL; on Python's main thread go_on heeds signals.
template <class Run>
auto without_gil(const Run& run) {
  bool stopped = false;
  const auto result = [&] {
    const bool heeds_signals = on_main_thread();
    GilRelease release;
    const auto go_on = [&] { return !(stopped = !release.no_signal()); };
    return run(heeds_signals ? FunctionRef<bool()>(go_on) : FunctionRef<bool()>());
  }();
  if (stopped) throw py::error_already_set();
  return result;
}

// Calls run(go_on), the work of so many rows, without the GIL where that is long. Giving the GIL away and taking it
// back takes 40 ns, and where others want it, until they give it back; so many multiply-adds take 1 to 10 us (0.5 ms on
// a CPU without fma; Python lets a thread keep it for 5 ms).
template <class T, class Run>
void compute(const Network<T>& network, std::size_t rows, const Run& run) {
  if (network.work() * static_cast<double>(rows) <= 65536)
    run(FunctionRef<bool()>());
  else
    without_gil(run);
}

template <class T>
py::object predict(const Network<T>& network, PyObject* const* arguments, Py_ssize_t count) {
  if (count != 2) throw py::type_error("expected predict(x, out); received " + std::to_string(count) + " arguments");
  const py::handle x = arguments[0], out = arguments[1];
  Input<T> input = input_rows<T>(x, network.inputs());
  const Shape shape(input.array, network.units());
  py::array y = out.is_none() ? new_array<T>(shape) : output_array<T>(out, shape);
  if (!out.is_none() && may_share_memory(input.array, y))
    input = input_rows<T>(call(input.array.attr("copy"), py::tuple()), network.inputs());
  T* to = static_cast<T*>(y.mutable_data());
  compute(network, input.rows.rows, [&](FunctionRef<bool()> go_on) { return network.forward(input.rows, to, go_on); });
  return std::move(y);
}

template <class T>
py::object representations(const Network<T>& network, PyObject* const* arguments, Py_ssize_t count) {
  if (count != 1) throw py::type_error("expected representations(x); received " + std::to_string(count) + " arguments");
  const Input<T> input = input_rows<T>(arguments[0], network.inputs());
  py::list arrays;
  std::vector<T*> outputs;
  for (std::size_t i = 0; i < network.layers(); ++i) {
    py::array y = new_array<T>(Shape(input.array, network.units(i)));
    outputs.push_back(static_cast<T*>(y.mutable_data()));
    arrays.append(y);
  }
  compute(network, input.rows.rows,
          [&](FunctionRef<bool()> go_on) { return network.representations(input.rows, outputs.data(), go_on); });
  return std::move(arrays);
}

template <class T>
py::object blocks(const Network<T>& network, PyObject* const* arguments, Py_ssize_t count) {
  if (count != 1) throw py::type_error("expected blocks(rows); received " + std::to_string(count) + " arguments");
  const std::size_t rows = PyLong_AsSize_t(arguments[0]);
  if (PyErr_Occurred() != nullptr) throw py::error_already_set();
  return py::int_(network.blocks(rows));
}

template <class T>
py::array reference_dense(const py::array_t<T, py::array::c_style>& kernel,
                          const py::array_t<T, py::array::c_style>& bias, const py::array_t<T, py::array::c_style>& x) {
  if (kernel.ndim() != 2 || x.ndim() != 2 || x.shape(1) != kernel.shape(0) || bias.size() != kernel.shape(1))
    throw py::value_error("expected kernel (inputs, units), bias (units,) and x (rows, inputs)");
  const auto inputs = kernel.shape(0), units = kernel.shape(1);
  py::array_t<T> y({x.shape(0), units});
  for (py::ssize_t r = 0; r < x.shape(0); ++r)
    fastnn::reference_dense(static_cast<std::size_t>(inputs), static_cast<std::size_t>(units), kernel.data(),
                            bias.data(), x.data(r, 0), y.mutable_data(r, 0));
  return y;
}

template <class T>
void bind_network(py::module_& module, const char* name) {
  py::class_<Network<T>> type(module, name, py::is_final(), "A built network; it never changes.");
  type.def(py::init(&build<T>), py::arg("inputs"), py::arg("layers"),
           "layers: (units, activation, parameters, kernel, bias, scale, shift) for each layer.");
  add_method<Network<T>, &predict<T>>(
      type, "predict",
      "predict($self, x, out, /)\n--\n\nRows (..., inputs) to (..., units); into out unless it is None.");
  add_method<Network<T>, &representations<T>>(type, "representations",
                                              "representations($self, x, /)\n--\n\nEvery layer's output, in a list.");
  type.def("fingerprint", &Network<T>::fingerprint, py::call_guard<GilRelease>(),
           "SHA-256, in hex, of what decides the answers.");
  add_method<Network<T>, &blocks<T>>(type, "blocks",
                                     "blocks($self, rows, /)\n--\n\nBlocks that one thread cuts so many rows into.");
  module.def("reference_dense", &reference_dense<T>, py::arg("kernel").noconvert(), py::arg("bias").noconvert(),
             py::arg("x").noconvert(), "x @ kernel + bias by the words of docs/numerics.md, for tests.");
}

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

PYBIND11_MODULE(_core, module) {
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
  py::register_exception_translator(&translate_file_error);

  bind_network<float>(module, "Network32");
  bind_network<double>(module, "Network64");

  module.def("columns", &columns, py::arg("x"), "The length of the last axis of x, an array of real numbers.");
  module.def("converted", &converted, py::arg("array"), py::arg("dtype"),
             "A copy, each number rounded to the nearest of dtype in the default floating-point mode.");
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
