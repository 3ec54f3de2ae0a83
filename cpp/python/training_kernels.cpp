// The kernels of training as functions of arrays, for tests: each alone, on rows whose padding is NaN.
#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <string>

#include "../core/dispatch.hpp"
#include "../core/floating_point_mode.hpp"
#include "../core/memory.hpp"
#include "arrays.hpp"
#include "bindings.hpp"
#include "fastnn/losses.hpp"
#include "fastnn/network.hpp"

namespace py = pybind11;

namespace fastnn::border {
namespace {

using Named = std::map<std::string, double>;

template <class T>
using Array = py::array_t<T, py::array::c_style>;

// A matrix in memory as the kernels have it, the padding NaN.
template <class T>
struct Padded {
  std::size_t rows, units;
  std::ptrdiff_t stride;
  AlignedBuffer<T> buffer;

  Padded(std::size_t rows_of, std::size_t units_of)
      : rows(rows_of),
        units(units_of),
        stride(static_cast<std::ptrdiff_t>(pad_to_chains(units))),
        buffer(rows * pad_to_chains(units)) {
    std::fill_n(buffer.data(), buffer.size(), std::numeric_limits<T>::quiet_NaN());
  }
  explicit Padded(const Array<T>& from) : Padded(rows_of(from), static_cast<std::size_t>(from.shape(1))) {
    for (std::size_t r = 0; r < rows; ++r) std::copy_n(from.data() + r * units, units, row(r));
  }
  static std::size_t rows_of(const Array<T>& array) {
    if (array.ndim() != 2) throw py::value_error("expected a matrix; received shape " + shape_text(array));
    return static_cast<std::size_t>(array.shape(0));
  }
  T* row(std::size_t r) { return buffer.data() + static_cast<std::ptrdiff_t>(r) * stride; }
  Array<T> array() {
    Array<T> to({rows, units});
    for (std::size_t r = 0; r < rows; ++r) std::copy_n(row(r), units, to.mutable_data() + r * units);
    return to;
  }
};

template <class T, class Rows>
void set_parameters(T* parameters, const Rows& rows, const Named& given) {
  for (const Parameter& row : rows) {
    if (row.name == nullptr) break;
    const auto found = given.find(row.name);
    *parameters++ = static_cast<T>(found == given.end() ? row.initial : found->second);
  }
}

template <class T>
py::object derivative(const std::string& name, const Named& given, const Array<T>& x, const Array<T>& y,
                      const Array<T>& d) {
  const ActivationRow& activation = activation_row(name);
  T parameters[kMostParameters] = {};
  set_parameters(parameters, activation.parameters, given);
  Padded<T> sums(x), outputs(y), deltas(d);
  const DefaultFloatingPointMode mode;
  active_kernels<T>().derive(activation.activation, parameters[0], parameters[1], deltas.rows, deltas.units,
                             needs_sum(activation.activation) ? sums.row(0) : nullptr, sums.stride, outputs.row(0),
                             outputs.stride, deltas.row(0), deltas.stride);
  return deltas.array();
}

template <class T>
py::object loss(const std::string& name, const Named& given, const py::array_t<T>& y, const Array<T>& p,
                const std::optional<Array<T>>& z, const std::optional<Array<T>>& scales) {
  const auto* row = std::find_if(std::begin(kLosses), std::end(kLosses), [&](const auto& r) { return r.name == name; });
  if (row == std::end(kLosses)) throw py::value_error("expected the name of a loss; received '" + name + "'");
  Padded<T> predictions(p), sums(z ? *z : p), delta(predictions.rows, predictions.units);
  const std::size_t columns = row->loss == Loss::sparse_categorical_crossentropy ? 1 : predictions.units;
  if (y.ndim() != 2 || static_cast<std::size_t>(y.shape(0)) != predictions.rows ||
      static_cast<std::size_t>(y.shape(1)) != columns || sums.rows != delta.rows || sums.units != delta.units ||
      (scales && static_cast<std::size_t>(scales->size()) != predictions.rows))
    throw py::value_error("expected as many targets, sums and scales as predictions; received others");
  Array<T> losses(p.shape(0));
  constexpr auto size = static_cast<py::ssize_t>(sizeof(T));
  LossCall<T> call = {row->loss,
                      {},
                      predictions.rows,
                      predictions.units,
                      y.data(),
                      y.strides(0) / size,
                      y.strides(1) / size,
                      {predictions.row(0), predictions.stride},
                      {z ? sums.row(0) : nullptr, sums.stride},
                      scales ? scales->data() : nullptr,
                      losses.mutable_data(),
                      {delta.row(0), delta.stride}};
  set_parameters(call.parameters, row->parameters, given);
  const DefaultFloatingPointMode mode;
  active_kernels<T>().loss(call);
  return py::make_tuple(losses, delta.array());
}

// (factors, d by x) of a layer of units; with the means of batch normalization's statistics, if they are given.
template <class T>
py::object backward_of_units(const std::string& class_name, double epsilon, const Array<T>& weights, const Array<T>& x,
                             const Array<T>& d, const std::optional<Array<T>>& means) {
  Padded<T> of_units(weights), inputs(x), deltas(d), to(deltas.rows, deltas.units);
  PackedLayer<T> layer = {inputs.units, inputs.units, 1, layer_row(class_name).kind, Activation::linear, true, 0};
  layer.parameters[0] = static_cast<T>(epsilon);
  for (std::size_t i = 0; i < of_units.rows; ++i) layer.of_units[i] = of_units.row(i);
  const Matrix<T> of_x = {inputs.row(0), inputs.stride}, of_d = {deltas.row(0), deltas.stride},
                  of_factors = {to.row(0), to.stride};
  const Kernels<T>& kernels = active_kernels<T>();
  const DefaultFloatingPointMode mode;
  kernels.factors(layer, inputs.rows, of_x, of_factors);
  kernels.backward(layer, inputs.rows, of_x, of_factors, of_d);
  if (means) {
    Padded<T> given(*means);
    kernels.batch_backward(layer, inputs.rows, of_factors, given.row(0), given.row(1), of_d);
  }
  return py::make_tuple(to.array(), deltas.array());
}

template <class T>
void bind_of(py::module_& module) {
  module.def("derivative", &derivative<T>, py::arg("activation"), py::arg("parameters"), py::arg("x").noconvert(),
             py::arg("y").noconvert(), py::arg("d").noconvert(), "d * activation'(x), where activation(x) is y.");
  module.def("backward", &backward_of_units<T>, py::arg("class_name"), py::arg("epsilon"),
             py::arg("weights").noconvert(), py::arg("x").noconvert(), py::arg("d").noconvert(),
             py::arg("means").noconvert(), "(factors of the first weight, d by x) of a layer of units.");
  module.def("loss", &loss<T>, py::arg("name"), py::arg("parameters"), py::arg("y").noconvert(),
             py::arg("predictions").noconvert(), py::arg("sums").noconvert(), py::arg("scales").noconvert(),
             "(losses of rows, scales * gradient by the predictions, or by the sums unless these are None).");
}

}  // namespace

void bind_training_kernels(py::module_& module) {
  bind_of<float>(module);
  bind_of<double>(module);
}

}  // namespace fastnn::border
