// How Python sees a built network: weights and rows in, answers out, the GIL released in long calls.
#include "fastnn/network.hpp"

#include <map>
#include <string>
#include <vector>

#include "../core/floating_point_mode.hpp"
#include "../core/reference.hpp"
#include "arrays.hpp"
#include "bindings.hpp"
#include "descriptions.hpp"
#include "gil.hpp"
#include "object.hpp"

namespace py = pybind11;

namespace fastnn::border {
namespace {

// A network, and the Python function that makes arrays of real numbers of rows that are none, such as frames.
template <class T>
struct Built {
  Network<T> network;
  py::object as_numbers;
};

// (inputs, layers, as_numbers), each layer a Description.
template <class T>
Built<T> build(const py::args& arguments, const py::kwargs& named) {
  const char* names[] = {"inputs", "layers", "as_numbers", nullptr};
  PyObject *inputs_given = nullptr, *layers_given = nullptr, *as_numbers = nullptr;
  if (!PyArg_ParseTupleAndKeywords(arguments.ptr(), named.ptr(), "OOO", const_cast<char**>(names), &inputs_given,
                                   &layers_given, &as_numbers))
    throw py::error_already_set();
  std::size_t inputs = 0;
  std::vector<Description> descriptions;
  try {
    inputs = py::handle(inputs_given).cast<std::size_t>();
    descriptions = py::handle(layers_given).cast<std::vector<Description>>();
  } catch (const py::cast_error&) {
    throw py::type_error(
        "expected the number of inputs and a list of layers (class name, units, activation, parameters by name, "
        "weights by name); received other types");
  }
  std::vector<Layer<T>> layers;
  std::vector<py::array> alive;
  std::size_t width = inputs;
  for (const Description& description : descriptions) {
    layers.push_back(layer_of<T>(description, width, alive));
    width = layers.back().units;
  }
  return {Network<T>(inputs, layers), py::reinterpret_borrow<py::object>(as_numbers)};
}

// Returns whether a call should release the GIL. Releasing and taking it back takes 40 ns, and longer if other threads
// want it. So many multiply-adds take 1 to 10 us (0.5 ms on a CPU without fma; Python's own switch interval is 5 ms).
template <class T>
bool is_long(const Network<T>& network, std::size_t rows) {
  const DefaultFloatingPointMode mode;
  return network.work() * static_cast<double>(rows) > 65536;
}

// Calls run(go_on), without the GIL if the work of so many rows is long. `arrays` are the memory that it uses.
template <class T, class Run>
void compute(const Network<T>& network, std::size_t rows, std::initializer_list<py::array> arrays, const Run& run) {
  if (is_long(network, rows)) {
    const Held held(arrays);
    without_gil(run);
  } else {
    run(FunctionRef<bool()>());
  }
}

template <class T>
py::object predict(const Built<T>& built, PyObject* const* arguments, Py_ssize_t count) {
  if (count != 2) throw py::type_error("expected predict(x, out); received " + std::to_string(count) + " arguments");
  const Network<T>& network = built.network;
  const py::handle x = arguments[0], out = arguments[1];
  Input<T> input = input_rows<T>(x, network.inputs(), built.as_numbers);
  const Shape shape(input.array, network.units());
  py::array y = out.is_none() ? new_array<T>(shape) : output_array<T>(out, shape);
  if (!out.is_none() && may_share_memory(input.array, y)) {
    const Held held({input.array, y});
    input = input_rows<T>(call(input.array.attr("copy"), py::tuple()), network.inputs(), built.as_numbers);
  }
  T* to = static_cast<T*>(y.mutable_data());
  compute(network, input.rows.rows, {input.flat, y},
          [&](FunctionRef<bool()> go_on) { return network.forward(input.rows, to, go_on); });
  return std::move(y);
}

template <class T>
py::object representations(const Built<T>& built, PyObject* const* arguments, Py_ssize_t count) {
  if (count != 1) throw py::type_error("expected representations(x); received " + std::to_string(count) + " arguments");
  const Network<T>& network = built.network;
  const Input<T> input = input_rows<T>(arguments[0], network.inputs(), built.as_numbers);
  py::list arrays;
  std::vector<T*> outputs;
  for (std::size_t i = 0; i < network.layers(); ++i) {
    py::array y = new_array<T>(Shape(input.array, network.units(i)));
    outputs.push_back(static_cast<T*>(y.mutable_data()));
    arrays.append(y);
  }
  compute(network, input.rows.rows, {input.flat},
          [&](FunctionRef<bool()> go_on) { return network.representations(input.rows, outputs.data(), go_on); });
  return std::move(arrays);
}

template <class T>
py::object blocks(const Built<T>& built, PyObject* const* arguments, Py_ssize_t count) {
  if (count != 1) throw py::type_error("expected blocks(rows); received " + std::to_string(count) + " arguments");
  const std::size_t rows = PyLong_AsSize_t(arguments[0]);
  if (PyErr_Occurred() != nullptr) throw py::error_already_set();
  return py::int_(built.network.blocks(rows));
}

template <class T>
py::object fingerprint(const Built<T>& built, PyObject* const*, Py_ssize_t count) {
  if (count != 0) throw py::type_error("expected fingerprint(); received " + std::to_string(count) + " arguments");
  const std::string text = [&] {
    const GilRelease release;
    return built.network.fingerprint();
  }();
  return py::str(text);
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
void bind_network(py::module_& module, const char* name, const char* full_name) {
  static PyMethodDef methods[] = {
      method<Built<T>, &predict<T>>(
          "predict",
          "predict($self, x, out, /)\n--\n\nRows (..., inputs) to (..., units); into out unless it is None."),
      method<Built<T>, &representations<T>>("representations",
                                            "representations($self, x, /)\n--\n\nEvery layer's output, in a list."),
      method<Built<T>, &fingerprint<T>>("fingerprint",
                                        "fingerprint($self, /)\n--\n\nSHA-256, in hex, of what decides the answers."),
      method<Built<T>, &blocks<T>>("blocks",
                                   "blocks($self, rows, /)\n--\n\nBlocks that one thread cuts so many rows into."),
      {}};
  add_type<Built<T>, &build<T>>(module, name, full_name,
                                "Network(inputs, layers, as_numbers)\n--\n\nA built network; it never changes.",
                                methods);
  module.def("reference_dense", &reference_dense<T>, py::arg("kernel").noconvert(), py::arg("bias").noconvert(),
             py::arg("x").noconvert(), "x @ kernel + bias by the words of docs/numerics.md, for tests.");
}

}  // namespace

void bind_networks(py::module_& module) {
  bind_network<float>(module, "Network32", "fastnn._core.Network32");
  bind_network<double>(module, "Network64", "fastnn._core.Network64");
  module.def(
      "check_parameters",
      [](const std::string& class_name, const std::string& activation, const std::map<std::string, double>& given) {
        const auto rows = parameters_of(layer_row(class_name).kind, activation_row(activation).activation);
        check_parameters(rows, parameters_by_name(rows, given));
      },
      py::arg("layer"), py::arg("activation"), py::arg("parameters"), "ValueError for a parameter outside its domain.");
}

}  // namespace fastnn::border
