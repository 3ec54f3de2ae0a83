// Random numbers and elementary functions as Python sees them: fresh arrays, computed in the default floating-point
// mode.
#include "../core/random.hpp"

#include <algorithm>
#include <string>

#include "../core/elementary.hpp"
#include "../core/floating_point_mode.hpp"
#include "../core/orthonormal.hpp"
#include "arrays.hpp"
#include "bindings.hpp"
#include "training_settings.hpp"

namespace fastnn::border {
namespace {

using Doubles = py::array_t<double, py::array::c_style | py::array::forcecast>;

// Returns function(x): a float for a number, a float64 array for an array.
template <double (*function)(double)>
py::object elementwise(const Doubles& x) {
  const DefaultFloatingPointMode mode;
  if (x.ndim() == 0) return py::float_(function(*x.data()));
  py::array_t<double> y(std::vector<py::ssize_t>(x.shape(), x.shape() + x.ndim()));
  for (py::ssize_t i = 0; i < x.size(); ++i) y.mutable_data()[i] = function(x.data()[i]);
  return y;
}

template <void (*fill)(const Philox&, std::uint64_t, std::size_t, double*)>
py::array_t<double> filled(std::size_t count, std::uint64_t seed, std::uint64_t stream) {
  const DefaultFloatingPointMode mode;
  py::array_t<double> numbers(static_cast<py::ssize_t>(count));
  fill(generator(seed, Purpose::weights), stream, count, numbers.mutable_data());
  return numbers;
}

py::array_t<std::int64_t> shuffled(std::size_t n, std::uint64_t seed, std::uint64_t epoch) {
  py::array_t<std::int64_t> order(static_cast<py::ssize_t>(n));
  permutation(n, seed, epoch, order.mutable_data());
  return order;
}

py::array_t<double> orthonormal(const Doubles& matrix) {
  if (matrix.ndim() != 2 || matrix.shape(0) < matrix.shape(1))
    throw py::value_error("expected a matrix with at least as many rows as columns; received shape " +
                          shape_text(matrix));
  const DefaultFloatingPointMode mode;
  py::array_t<double> q({matrix.shape(0), matrix.shape(1)});
  std::copy_n(matrix.data(), matrix.size(), q.mutable_data());
  make_orthonormal(q.mutable_data(), static_cast<std::size_t>(q.shape(0)), static_cast<std::size_t>(q.shape(1)));
  return q;
}

// The noise of one row: (multipliers, addends).
template <class T>
py::tuple noise(const std::string& kind, double rate, std::uint64_t seed, std::uint64_t layer, std::uint64_t step,
                std::uint32_t row, std::size_t units) {
  const DefaultFloatingPointMode mode;
  const Philox of_layer = generator(seed, Purpose::noise, layer);
  py::array_t<T> multipliers(static_cast<py::ssize_t>(units)), addends(static_cast<py::ssize_t>(units));
  std::fill_n(multipliers.mutable_data(), units, T{1});
  std::fill_n(addends.mutable_data(), units, T{0});
  switch (kind_of(kNoises, kind)) {
    case NoiseKind::none: break;
    case NoiseKind::dropout: dropout_row(of_layer, step, row, units, rate, multipliers.mutable_data()); break;
    case NoiseKind::gaussian_noise: gaussian_row(of_layer, step, row, units, rate, addends.mutable_data()); break;
    case NoiseKind::alpha_dropout:
      alpha_dropout_row(of_layer, step, row, units, rate, multipliers.mutable_data(), addends.mutable_data());
      break;
  }
  return py::make_tuple(multipliers, addends);
}

}  // namespace

void bind_random(py::module_& module) {
  module.def("exp", &elementwise<elementary::exp>, py::arg("x"));
  module.def("log", &elementwise<elementary::log>, py::arg("x"));
  module.def("sin", &elementwise<elementary::sin>, py::arg("x"));
  module.def("cos", &elementwise<elementary::cos>, py::arg("x"), "NaN for numbers beyond 2^20.");
  module.def(
      "philox",
      [](std::uint64_t key, std::uint64_t high, std::uint64_t low) {
        const auto words = Philox{key}.block(high, low);
        return py::make_tuple(words[0], words[1], words[2], words[3]);
      },
      py::arg("key"), py::arg("high"), py::arg("low"), "The block of a counter, for tests.");
  module.def("uniform", &filled<fill_uniform>, py::arg("count"), py::arg("seed"), py::arg("stream"));
  module.def("normal", &filled<fill_normal>, py::arg("count"), py::arg("seed"), py::arg("stream"));
  module.def("permutation", &shuffled, py::arg("n"), py::arg("seed"), py::arg("epoch"));
  module.def("orthonormal", &orthonormal, py::arg("matrix"));
  module.def("noise32", &noise<float>, py::arg("kind"), py::arg("rate"), py::arg("seed"), py::arg("layer"),
             py::arg("step"), py::arg("row"), py::arg("units"), "What a noise layer does to a row, for tests.");
  module.def("noise64", &noise<double>, py::arg("kind"), py::arg("rate"), py::arg("seed"), py::arg("layer"),
             py::arg("step"), py::arg("row"), py::arg("units"));
}

}  // namespace fastnn::border
