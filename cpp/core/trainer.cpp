// The trainer as C++ programs see it: steps.hpp does the work.
#include "fastnn/trainer.hpp"

#include <utility>

#include "floating_point_mode.hpp"
#include "steps.hpp"

namespace fastnn {

LossSettings loss_settings(const std::string& name, const std::map<std::string, double>& given) {
  std::string known;
  for (const LossRow& row : kLosses) {
    known += (known.empty() ? "" : ", ") + std::string(row.name);
    if (name != row.name) continue;
    LossSettings settings{row.loss};
    std::size_t taken = 0;
    for (std::size_t i = 0; i < kMostLossParameters && row.parameters[i].name != nullptr; ++i) {
      const auto found = given.find(row.parameters[i].name);
      settings.parameters[i] = found == given.end() ? row.parameters[i].initial : found->second;
      taken += found != given.end();
    }
    if (taken != given.size()) throw Error("expected parameters of the loss " + name + "; received others");
    return settings;
  }
  throw Error("expected a loss, one of " + known + "; received '" + name + "'");
}

template <class T>
class Trainer<T>::Impl : public Steps<T> {
 public:
  using Steps<T>::Steps;
};

template <class T>
Trainer<T>::Trainer(std::size_t inputs, const std::vector<TrainedLayer<T>>& layers, std::optional<LossSettings> loss,
                    const OptimizerSettings& optimizer, std::uint64_t seed) {
  const DefaultFloatingPointMode mode;
  impl_ = std::make_unique<Impl>(inputs, layers, loss, optimizer, seed);
}

template <class T>
Trainer<T>::~Trainer() = default;
template <class T>
Trainer<T>::Trainer(Trainer&&) noexcept = default;
template <class T>
Trainer<T>& Trainer<T>::operator=(Trainer&&) noexcept = default;

template <class T>
double Trainer<T>::step(Rows<T> x, Rows<T> y, double learning_rate, const T* weights) {
  Batches<T> batches{x, y, weights};
  batches.rows = batches.batch_size = x.rows;
  batches.learning_rates = &learning_rate;
  double loss = 0;
  train(batches, &loss);
  return loss;
}

template <class T>
Trained Trainer<T>::train(const Batches<T>& batches, double* losses, FunctionRef<bool()> go_on) {
  const DefaultFloatingPointMode mode;
  return impl_->train(batches, losses, go_on);
}

template <class T>
bool Trainer<T>::evaluate(Rows<T> x, T* outputs, const Rows<T>* y, double* row_losses, FunctionRef<bool()> go_on) {
  const DefaultFloatingPointMode mode;
  return impl_->evaluate(x, outputs, y, row_losses, go_on);
}

template <class T>
void Trainer<T>::forward(Rows<T> x, T* outputs) {
  const DefaultFloatingPointMode mode;
  impl_->forward(x, outputs);
}

template <class T>
void Trainer<T>::backward(const T* gradient, std::size_t rows, double learning_rate) {
  const DefaultFloatingPointMode mode;
  impl_->backward(gradient, rows, learning_rate);
}

template <class T>
double Trainer<T>::gradients(const Batches<T>& batch, std::vector<std::map<std::string, std::vector<T>>>& gradients) {
  const DefaultFloatingPointMode mode;
  return impl_->gradients(batch, gradients);
}

template <class T>
double Trainer<T>::penalty() const {
  const DefaultFloatingPointMode mode;
  return impl_->optimization().penalty();
}

template <class T>
std::size_t Trainer<T>::inputs() const noexcept {
  return impl_->stages().inputs();
}
template <class T>
std::size_t Trainer<T>::units() const noexcept {
  return impl_->stages().units();
}
template <class T>
std::size_t Trainer<T>::layers() const noexcept {
  return impl_->described().size();
}

template <class T>
std::map<std::string, std::vector<T>> Trainer<T>::weights(std::size_t layer) const {
  const std::vector<Layer<T>> described = impl_->described();
  std::map<std::string, std::vector<T>> weights;
  for (const Tensor<T>& tensor : impl_->stages().tensors())
    if (tensor.layer == layer && described[layer].weights.count(tensor.name) > 0)
      weights[tensor.name] = tensor.read(impl_->stages().memory().data());
  return weights;
}

template <class T>
void Trainer<T>::set_weights(std::size_t layer, const std::map<std::string, std::vector<T>>& weights) {
  for (const Tensor<T>& tensor : impl_->stages().tensors()) {
    const auto found = weights.find(tensor.name);
    if (tensor.layer == layer && found != weights.end()) tensor.write(found->second, impl_->stages().memory().data());
  }
  impl_->stages().transpose_all();
}

template <class T>
Network<T> Trainer<T>::network() const {
  std::vector<Layer<T>> layers = impl_->described();
  std::vector<std::map<std::string, std::vector<T>>> alive;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    alive.push_back(weights(i));
    for (auto& [name, numbers] : layers[i].weights) numbers = alive.back()[name].data();
  }
  return Network<T>(inputs(), layers);
}

template <class T>
void Trainer<T>::average() {
  const DefaultFloatingPointMode mode;
  impl_->optimization().average();
}

template <class T>
typename Trainer<T>::State Trainer<T>::state() const {
  return impl_->optimization().state();
}

template <class T>
void Trainer<T>::set_state(const State& state) {
  impl_->optimization().set_state(state);
}

template <class T>
std::uint64_t Trainer<T>::iterations() const noexcept {
  return impl_->optimization().iterations();
}

template class Trainer<float>;
template class Trainer<double>;

}  // namespace fastnn
