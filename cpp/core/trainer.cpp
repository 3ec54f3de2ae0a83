// The trainer as C++ programs see it: steps.hpp does the work.
#include "fastnn/trainer.hpp"

#include <utility>

#include "floating_point_mode.hpp"
#include "steps.hpp"
#include "training_checks.hpp"

namespace fastnn {
namespace {

constexpr const char* kNoLoss = "expected a trainer with a loss; this one has none, so use forward() and backward()";

void check_layer(std::size_t layer, std::size_t layers) {
  if (layer >= layers)
    throw Error("expected the number of a layer, 0 to " + std::to_string(layers - 1) + "; received " +
                std::to_string(layer));
}

}  // namespace

template <class T>
class Trainer<T>::Impl : public Steps<T> {
 public:
  using Steps<T>::Steps;
};

template <class T>
Trainer<T>::Trainer(std::size_t inputs, const std::vector<TrainedLayer<T>>& layers, std::optional<LossSettings> loss,
                    const OptimizerSettings& optimizer, std::uint64_t seed) {
  const DefaultFloatingPointMode mode;
  check_layers(layers);
  if (loss) check_loss(*loss);
  check_optimizer(optimizer);
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
  if (!impl_->has_loss()) throw Error(kNoLoss);
  check_batches(batches);
  if (losses == nullptr || batches.learning_rates == nullptr)
    throw Error("expected losses and learning_rates; received a null pointer");
  for (std::size_t i = 0, steps = batches.steps(); i < steps; ++i) check_learning_rate(batches.learning_rates[i]);
  return impl_->train(batches, losses, go_on);
}

template <class T>
bool Trainer<T>::evaluate(Rows<T> x, T* outputs, const Rows<T>* y, double* losses, const T* weights,
                          FunctionRef<bool()> go_on) const {
  const DefaultFloatingPointMode mode;
  if (x.data == nullptr) throw Error("expected x; received a null pointer");
  if (y != nullptr && !impl_->has_loss()) throw Error(kNoLoss);
  if (y != nullptr && (y->rows != x.rows || y->data == nullptr || losses == nullptr))
    throw Error("expected y with as many rows as x, " + std::to_string(x.rows) + ", and room for their losses");
  return impl_->evaluation().run(x, outputs, y, weights, losses, go_on);
}

template <class T>
void Trainer<T>::forward(Rows<T> x, T* outputs) {
  const DefaultFloatingPointMode mode;
  if (x.data == nullptr || x.rows == 0 || outputs == nullptr) throw Error("expected at least 1 row, and outputs");
  impl_->forward(x, outputs);
}

template <class T>
void Trainer<T>::backward(const T* gradient, std::size_t rows, double learning_rate) {
  const DefaultFloatingPointMode mode;
  check_learning_rate(learning_rate);
  if (gradient == nullptr) throw Error("expected a gradient; received a null pointer");
  impl_->backward(gradient, rows, learning_rate);
}

template <class T>
double Trainer<T>::gradients(const Batches<T>& batch, std::vector<std::map<std::string, std::vector<T>>>& gradients) {
  const DefaultFloatingPointMode mode;
  if (!impl_->has_loss()) throw Error(kNoLoss);
  check_batches(batch);
  if (batch.rows == 0) throw Error("expected at least 1 row; received none");
  return impl_->gradients(batch, gradients);
}

template <class T>
BlockGradients<T> Trainer<T>::block_gradients(const Batches<T>& part, const PartOfBatch& place) {
  const DefaultFloatingPointMode mode;
  if (!impl_->has_loss()) throw Error(kNoLoss);
  check_batches(part);
  return impl_->block_gradients(part, place);
}

template <class T>
void Trainer<T>::apply(const T* gradients, double learning_rate) {
  const DefaultFloatingPointMode mode;
  check_learning_rate(learning_rate);
  if (gradients == nullptr) throw Error("expected gradients; received a null pointer");
  impl_->apply(gradients, learning_rate);
}

template <class T>
std::size_t Trainer<T>::gradient_size() const noexcept {
  return impl_->stages().memory().size();
}

template <class T>
double Trainer<T>::penalty() const {
  const DefaultFloatingPointMode mode;
  return impl_->optimization().penalty();
}

template <class T>
double Trainer<T>::activity() const {
  const DefaultFloatingPointMode mode;
  return impl_->activity();
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
  const std::vector<Layer<T>>& described = impl_->described();
  check_layer(layer, described.size());
  std::map<std::string, std::vector<T>> weights;
  for (const Tensor<T>& tensor : impl_->stages().tensors())
    if (tensor.layer == layer && described[layer].weights.count(tensor.name) > 0)
      weights[tensor.name] = tensor.read(impl_->stages().memory().data());
  return weights;
}

template <class T>
void Trainer<T>::set_weights(std::size_t layer, const std::map<std::string, std::vector<T>>& weights) {
  check_layer(layer, layers());
  std::vector<std::pair<const Tensor<T>*, const std::vector<T>*>> given;
  for (const Tensor<T>& tensor : impl_->stages().tensors()) {
    const auto found = weights.find(tensor.name);
    if (tensor.layer != layer || found == weights.end()) continue;
    if (impl_->described()[layer].weights.count(tensor.name) == 0) continue;
    if (found->second.size() != tensor.size())
      throw Error("layer " + std::to_string(layer) + ": " + tensor.name + ": expected " +
                  std::to_string(tensor.size()) + " numbers; received " + std::to_string(found->second.size()));
    given.push_back({&tensor, &found->second});
  }
  if (given.size() != weights.size())
    throw Error("layer " + std::to_string(layer) + ": expected weights of the layer; received others");
  for (const auto& [tensor, numbers] : given) tensor->write(*numbers, impl_->stages().memory().data());
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
std::uint64_t Trainer<T>::batches() const noexcept {
  return impl_->optimization().batches();
}
template <class T>
std::uint64_t Trainer<T>::iterations() const noexcept {
  return impl_->optimization().iterations();
}

template class Trainer<float>;
template class Trainer<double>;

}  // namespace fastnn
