// How Python sees a trainer: layers and settings by name in, arrays in and out, the GIL released in long calls.
#include "fastnn/trainer.hpp"

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bindings.hpp"
#include "descriptions.hpp"
#include "gil.hpp"
#include "object.hpp"
#include "training_arrays.hpp"
#include "training_settings.hpp"
#include "training_state.hpp"

namespace py = pybind11;

namespace fastnn::border {
namespace {

// (inputs, layers, loss, optimizer, seed).
template <class T>
Training<T> build(const py::args& arguments, const py::kwargs& named) {
  if (arguments.size() != 5 || !named.empty())
    throw py::type_error("expected Trainer(inputs, layers, loss, optimizer, seed)");
  std::vector<std::pair<Description, py::dict>> given;
  std::optional<std::pair<std::string, Settings>> loss_given;
  std::pair<std::string, Settings> optimizer_given;
  std::size_t inputs = 0;
  std::uint64_t seed = 0;
  try {
    inputs = arguments[0].cast<std::size_t>();
    given = arguments[1].cast<std::vector<std::pair<Description, py::dict>>>();
    loss_given = arguments[2].cast<std::optional<std::pair<std::string, Settings>>>();
    optimizer_given = arguments[3].cast<std::pair<std::string, Settings>>();
    seed = arguments[4].cast<std::uint64_t>();
  } catch (const py::cast_error&) {
    throw py::type_error(
        "expected the number of inputs, a list of (layer, options), (loss, parameters) or None, (optimizer, settings) "
        "and a seed; received other types");
  }
  Training<T> training;
  std::vector<py::array> alive;
  std::vector<TrainedLayer<T>> layers;
  std::size_t width = inputs;
  for (const auto& [description, options] : given) {
    layers.push_back(trained_layer<T>(layer_of<T>(description, width, alive), options));
    training.shapes.push_back(weight_shapes(description, width));
    width = layers.back().layer.units;
  }
  std::optional<LossSettings> loss;
  if (loss_given) loss = loss_settings(loss_given->first, loss_given->second);
  const bool is_sparse = loss && loss->loss == Loss::sparse_categorical_crossentropy;
  training.target_columns = is_sparse ? 1 : width;
  training.trainer = std::make_unique<Trainer<T>>(
      inputs, layers, loss, optimizer_settings(optimizer_given.first, optimizer_given.second), seed);
  return training;
}

template <class T>
py::object train(const Training<T>& training, PyObject* const* a, Py_ssize_t count) {
  check_count(count == 7 ? 8 : count, 8,
              "train(x, y, weights, order, batch_size, learning_rates, outputs, losses=None)");
  Given<T> given = given_rows(training, a[0], a[1], a[2], a[3]);
  Batches<T>& batches = given.batches;
  batches.batch_size = PyLong_AsSize_t(a[4]);
  if (PyErr_Occurred() != nullptr) throw py::error_already_set();
  if (batches.batch_size == 0) throw py::value_error("expected batch_size to be at least 1");
  const auto steps = static_cast<py::ssize_t>(batches.steps());
  const auto rates = vector_of<double>(a[5], "learning_rates");
  if (rates.size() != steps) throw py::value_error("expected a learning rate for each step");
  batches.learning_rates = rates.data();
  given.arrays.push_back(rates);
  if (a[6] != Py_None) batches.outputs = given_outputs(training, a[6], given);
  const bool has_losses = count == 8 && a[7] != Py_None;
  auto losses = has_losses ? vector_of<double>(a[7], "losses") : py::array_t<double, py::array::c_style>(steps);
  if (losses.size() != steps) throw py::value_error("expected losses with room for each step");
  double* const to = losses.mutable_data();
  Trained trained;
  {
    const Use<T> trainer(training);
    const Held held(given.arrays);
    trained = without_gil([&](FunctionRef<bool()> go_on) { return trainer->train(batches, to, go_on); });
  }
  const py::slice done(0, static_cast<py::ssize_t>(trained.steps), 1);
  return py::make_tuple(losses[done], trained.finite ? py::object(py::none()) : py::object(py::int_(trained.layer)));
}

template <class T>
py::object evaluate(const Training<T>& training, PyObject* const* a, Py_ssize_t count) {
  check_count(count, 4, "evaluate(x, y, weights, outputs)");
  Given<T> given = given_rows<T>(training, a[0], a[1], a[2], py::none());
  const Batches<T>& rows = given.batches;
  T* const outputs = a[3] == Py_None ? nullptr : given_outputs(training, a[3], given);
  py::array_t<double> losses(static_cast<py::ssize_t>(rows.rows));
  double* const to = losses.mutable_data();
  const Use<T> trainer(training);
  const Held held(given.arrays);
  without_gil([&](FunctionRef<bool()> go_on) {
    return trainer->evaluate(rows.x, outputs, a[1] == Py_None ? nullptr : &rows.y, to, rows.weights, go_on);
  });
  return std::move(losses);
}

template <class T>
py::object forward(const Training<T>& training, PyObject* const* a, Py_ssize_t count) {
  check_count(count, 1, "forward(x)");
  const py::array x = array_of(a[0], "x");
  const Rows<T> rows = rows_of<T>(x, training.trainer->inputs(), "x");
  if (rows.rows == 0) throw py::value_error("expected at least 1 row");
  py::array_t<T> y({x.shape(0), static_cast<py::ssize_t>(training.trainer->units())});
  T* const to = y.mutable_data();
  const Use<T> trainer(training);
  const Held held({x});
  without_gil([&](FunctionRef<bool()>) {
    trainer->forward(rows, to);
    return true;
  });
  return std::move(y);
}

template <class T>
py::object backward(const Training<T>& training, PyObject* const* a, Py_ssize_t count) {
  check_count(count, 2, "backward(gradient, learning_rate)");
  const py::array gradient = array_of(a[0], "gradient");
  rows_of<T>(gradient, training.trainer->units(), "gradient");
  if (!(gradient.flags() & py::array::c_style)) throw py::value_error("expected gradient to be contiguous");
  const double rate = PyFloat_AsDouble(a[1]);
  if (PyErr_Occurred() != nullptr) throw py::error_already_set();
  const Use<T> trainer(training);
  const Held held({gradient});
  without_gil([&](FunctionRef<bool()>) {
    trainer->backward(static_cast<const T*>(gradient.data()), static_cast<std::size_t>(gradient.shape(0)), rate);
    return true;
  });
  return py::none();
}

// (x, y, weights) -> (loss, a dict of gradients for each layer).
template <class T>
py::object gradients(const Training<T>& training, PyObject* const* a, Py_ssize_t count) {
  check_count(count, 3, "gradients(x, y, weights)");
  Given<T> given = given_rows<T>(training, a[0], a[1], a[2], py::none());
  std::vector<std::map<std::string, std::vector<T>>> gradients;
  double loss = 0;
  {
    const Use<T> trainer(training);
    const Held held(given.arrays);
    loss = without_gil([&](FunctionRef<bool()>) { return trainer->gradients(given.batches, gradients); });
  }
  py::list result;
  for (std::size_t i = 0; i < gradients.size(); ++i) {
    py::dict of_layer;
    for (const auto& [name, numbers] : gradients[i])
      of_layer[py::str(name)] = shaped(numbers, training.shapes[i].at(name));
    result.append(of_layer);
  }
  return py::make_tuple(loss, result);
}

// (x, y, weights, outputs, first, rows of the batch, batches before it)
// -> (gradients of blocks, losses of rows, activities of blocks, None or the layer that is not finite).
template <class T>
py::object block_gradients(const Training<T>& training, PyObject* const* a, Py_ssize_t count) {
  check_count(count, 7, "block_gradients(x, y, weights, outputs, first, rows, batches)");
  Given<T> given = given_rows<T>(training, a[0], a[1], a[2], py::none());
  if (a[3] != Py_None) given.batches.outputs = given_outputs(training, a[3], given);
  const PartOfBatch place{PyLong_AsSize_t(a[4]), PyLong_AsSize_t(a[5]), PyLong_AsSize_t(a[6])};
  if (PyErr_Occurred() != nullptr) throw py::error_already_set();
  BlockGradients<T> result;
  {
    const Use<T> trainer(training);
    const Held held(given.arrays);
    without_gil([&](FunctionRef<bool()>) {
      result = trainer->block_gradients(given.batches, place);
      return true;
    });
  }
  const auto vector = [](const auto& numbers) { return shaped(numbers, {static_cast<py::ssize_t>(numbers.size())}); };
  // The array owns the gradients, which are many times as large as the model: no copy.
  auto owned = std::make_unique<std::vector<T>>(std::move(result.gradients));
  const auto size = static_cast<py::ssize_t>(training.trainer->gradient_size());
  const auto blocks = static_cast<py::ssize_t>(owned->size()) / size;
  const T* const numbers = owned->data();
  const py::capsule owner(owned.release(), [](void* vector) { delete static_cast<std::vector<T>*>(vector); });
  return py::make_tuple(py::array_t<T>({blocks, size}, numbers, owner), vector(result.losses),
                        vector(result.activities),
                        result.finite ? py::object(py::none()) : py::object(py::int_(result.layer)));
}

template <class T>
py::object apply(const Training<T>& training, PyObject* const* a, Py_ssize_t count) {
  check_count(count, 2, "apply(gradients, learning_rate)");
  const auto gradients = vector_of<T>(a[0], "gradients");
  if (static_cast<std::size_t>(gradients.size()) != training.trainer->gradient_size())
    throw py::value_error("expected the sum of the gradients of block_gradients()");
  const double rate = PyFloat_AsDouble(a[1]);
  if (PyErr_Occurred() != nullptr) throw py::error_already_set();
  const Use<T> trainer(training);
  const Held held({gradients});
  without_gil([&](FunctionRef<bool()>) {
    trainer->apply(gradients.data(), rate);
    return true;
  });
  return py::none();
}

template <class T>
py::object penalty(const Training<T>& training, PyObject* const*, Py_ssize_t count) {
  check_count(count, 0, "penalty()");
  return py::float_(Use<T>(training)->penalty());
}

template <class T>
py::object activity(const Training<T>& training, PyObject* const*, Py_ssize_t count) {
  check_count(count, 0, "activity()");
  return py::float_(Use<T>(training)->activity());
}

template <class T>
py::object average(const Training<T>& training, PyObject* const*, Py_ssize_t count) {
  check_count(count, 0, "average()");
  Use<T>(training)->average();
  return py::none();
}

template <class T>
py::object iterations(const Training<T>& training, PyObject* const*, Py_ssize_t count) {
  check_count(count, 0, "iterations()");
  return py::int_(Use<T>(training)->iterations());
}

template <class T>
py::object batches(const Training<T>& training, PyObject* const*, Py_ssize_t count) {
  check_count(count, 0, "batches()");
  return py::int_(training.trainer->batches());
}

template <class T>
void bind_trainer(py::module_& module, const char* name, const char* full_name) {
  using C = Training<T>;
  static PyMethodDef methods[] = {
      method<C, &train<T>>(
          "train",
          "train($self, x, y, weights, order, batch_size, learning_rates, outputs, losses=None, /)\n--\n\n"
          "Train batches; the losses of the steps, and None, or the layer of a loss that is not finite. An order may "
          "be "
          "a matrix, an epoch in each row. An exception leaves the losses before it in `losses`."),
      method<C, &evaluate<T>>("evaluate", "evaluate($self, x, y, weights, outputs, /)\n--\n\nThe loss of each row."),
      method<C, &forward<T>>("forward", "forward($self, x, /)\n--\n\nThe outputs of training, kept for backward()."),
      method<C, &backward<T>>("backward", "backward($self, gradient, learning_rate, /)\n--\n\nA step."),
      method<C, &gradients<T>>("gradients", "gradients($self, x, y, weights, /)\n--\n\n(loss, gradients by layer)."),
      method<C, &weights<T>>("weights", "weights($self, layer, /)\n--\n\nCopies of a layer's weights by name."),
      method<C, &set_weights<T>>("set_weights", "set_weights($self, layer, weights, /)\n--\n\nReplace weights."),
      method<C, &state<T>>("state", "state($self, /)\n--\n\nWhat the next step depends on, beside the weights."),
      method<C, &set_state<T>>("set_state", "set_state($self, state, /)\n--\n\nGo on from what state() returned."),
      method<C, &block_gradients<T>>(
          "block_gradients",
          "block_gradients($self, x, y, weights, outputs, first, rows, batches, /)\n--\n\n"
          "Gradients of blocks, losses of rows, activities of blocks, and None, or the layer that is not finite."),
      method<C, &apply<T>>("apply", "apply($self, gradients, learning_rate, /)\n--\n\nA step by their sum."),
      method<C, &penalty<T>>("penalty", "penalty($self, /)\n--\n\nWhat regularizers of weights add to the loss."),
      method<C, &activity<T>>("activity", "activity($self, /)\n--\n\nThe same of activities, of the last forward()."),
      method<C, &average<T>>("average", "average($self, /)\n--\n\nWeights become their average."),
      method<C, &iterations<T>>("iterations", "iterations($self, /)\n--\n\nThe number of steps."),
      method<C, &batches<T>>("batches", "batches($self, /)\n--\n\nThe number of batches; some make a step."),
      {}};
  add_type<C, &build<T>>(module, name, full_name,
                         "Trainer(inputs, layers, loss, optimizer, seed)\n--\n\nTrains a network.", methods);
}

}  // namespace

void bind_trainers(py::module_& module) {
  bind_trainer<float>(module, "Trainer32", "fastnn._core.Trainer32");
  bind_trainer<double>(module, "Trainer64", "fastnn._core.Trainer64");
  module.attr("training_version") = kTrainingVersion;
}

}  // namespace fastnn::border
