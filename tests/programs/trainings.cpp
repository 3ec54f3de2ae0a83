// For the golden hashes of training (golden_training.py): reads trainings from standard input as words, trains, and
// writes the losses of the steps and all weights, in the order of layers and names, to standard output. On machines
// without Python it shows their bits.
#include <cstdio>
#include <cstdlib>
#include <fastnn/trainer.hpp>
#include <iostream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

namespace {

std::string word() {
  std::string text;
  if (!(std::cin >> text)) throw fastnn::Error("expected another word");
  return text == "-" ? "" : text;
}

double number() { return std::strtod(word().c_str(), nullptr); }  // hexadecimal numbers too, which >> does not read
std::size_t count() { return std::strtoull(word().c_str(), nullptr, 10); }

std::map<std::string, double> settings() {
  std::map<std::string, double> given;
  for (std::size_t n = count(); n > 0; --n) {
    const std::string name = word();
    given[name] = number();
  }
  return given;
}

template <class T>
std::vector<T> numbers(std::size_t size) {
  std::vector<T> result(size);
  for (T& each : result) each = static_cast<T>(number());
  return result;
}

fastnn::Noise noise() {
  const std::string kind = word();
  const double rate = number();
  const std::uint64_t seed = count();
  if (kind.empty()) return {};
  for (const auto& [name, value] :
       std::map<std::string, fastnn::NoiseKind>{{"dropout", fastnn::NoiseKind::dropout},
                                                {"alpha_dropout", fastnn::NoiseKind::alpha_dropout},
                                                {"gaussian_noise", fastnn::NoiseKind::gaussian_noise}})
    if (kind == name) return {value, rate, seed};
  throw fastnn::Error("expected a kind of noise; received " + kind);
}

template <class T>
fastnn::TrainedLayer<T> layer(std::size_t inputs, std::vector<std::vector<T>>& alive) {
  const std::string class_name = word();
  const std::size_t units = count();
  fastnn::Layer<T> layer{fastnn::layer_row(class_name).kind, units, fastnn::activation_row(word()).activation};
  const auto parameters = settings();
  const auto rows = fastnn::parameters_of(layer.kind, layer.activation);
  for (std::size_t i = 0; i < rows.size(); ++i) layer.parameters[i] = parameters.at(rows[i].name);
  for (std::size_t n = count(); n > 0; --n) {
    const std::string name = word();
    alive.push_back(numbers<T>(name == "kernel" ? inputs * units : units));
    layer.weights[name] = alive.back().data();
  }
  fastnn::TrainedLayer<T> trained{layer};
  trained.momentum = number();
  trained.noise = noise();
  const double l1 = number(), l2 = number();
  const std::string constraint = word();
  for (const auto& weight : layer.weights) {
    if (weight.first != "kernel") continue;
    trained.weights["kernel"].l1 = l1, trained.weights["kernel"].l2 = l2;
    if (constraint == "max_norm") trained.weights["kernel"].constraint = {fastnn::ConstraintKind::max_norm, 0, 1, 1};
  }
  return trained;
}

template <class N>
void write(const std::vector<N>& numbers) {
  std::fwrite(numbers.data(), sizeof(N), numbers.size(), stdout);
}

template <class T>
void train() {
  const std::size_t inputs = count(), columns = count(), rows = count(), batch_size = count();
  const std::string loss = word();
  const auto loss_parameters = settings();
  const std::string optimizer = word();
  const auto optimizer_given = settings();
  std::vector<std::vector<T>> alive;
  std::vector<fastnn::TrainedLayer<T>> layers;
  std::size_t width = inputs;
  for (std::size_t n = count(); n > 0; --n) {
    layers.push_back(layer<T>(width, alive));
    width = layers.back().layer.units;
  }
  const auto x = numbers<T>(rows * inputs), y = numbers<T>(rows * columns), weights = numbers<T>(rows);
  std::vector<double> rates(count());
  for (double& rate : rates) rate = number();

  fastnn::Trainer<T> trainer(inputs, layers, fastnn::loss_settings(loss, loss_parameters),
                             fastnn::optimizer_settings(optimizer, optimizer_given), 7);
  fastnn::Batches<T> batches{{x.data(), rows, static_cast<std::ptrdiff_t>(inputs)},
                             {y.data(), rows, static_cast<std::ptrdiff_t>(columns)},
                             weights.data()};
  batches.rows = rows;
  batches.batch_size = batch_size;
  batches.learning_rates = rates.data();
  std::vector<double> losses(rates.size());
  if (!trainer.train(batches, losses.data()).finite) throw fastnn::Error("expected finite losses");
  write(losses);
  for (std::size_t i = 0; i < trainer.layers(); ++i)
    for (const auto& weight : trainer.weights(i)) write(weight.second);
}

}  // namespace

int main() try {
  for (std::size_t trainings = count(); trainings > 0; --trainings)
    if (word() == "float32")
      train<float>();
    else
      train<double>();
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
