#include "optimization.hpp"

#include <algorithm>
#include <utility>

#include "elementary.hpp"

namespace fastnn {
namespace {

constexpr double kSmallNorm = 1e-7;  // Keras' epsilon, added to norms before a division

constexpr std::uint64_t kMostIterations = std::uint64_t{1} << 53;

// Returns the sum of |x| or of x² over a stretch, in 16 chains of float64.
template <class T>
double sum_of(const T* numbers, std::size_t count, bool squares) {
  double chains[kMostChains] = {};
  for (std::size_t i = 0; i < count; ++i) {
    const double x = static_cast<double>(numbers[i]);
    chains[i % kMostChains] += squares ? x * x : (x < 0 ? -x : x);
  }
  for (std::size_t width = kMostChains / 2; width > 0; width /= 2)
    for (std::size_t j = 0; j < width; ++j) chains[j] += chains[j + width];
  return chains[0];
}

template <class T>
double sum_of(const Tensor<T>& tensor, const T* memory, bool squares) {
  double sum = 0;
  tensor.for_each_stretch(
      [&](std::size_t offset, std::size_t count) { sum += sum_of(memory + offset, count, squares); });
  return sum;
}

}  // namespace

template <class T>
Optimization<T>::Optimization(Stages<T>& stages, const OptimizerSettings& settings)
    : stages_(stages), settings_(settings), corrections_(settings), updates_(stages.tensors().size()) {
  const std::size_t size = stages.memory().size();
  const auto has = slots_of(settings);
  for (std::size_t k = 0; k < kMostSlots; ++k) {
    if (!has[k]) continue;
    slots_[k] = AlignedBuffer<T>(size);
    std::fill_n(slots_[k].data(), size, static_cast<T>(initial_of(settings, k)));
  }
  if (settings.ema_momentum > 0) average_ = AlignedBuffer<T>(size);
  if (settings.accumulation_steps > 1) accumulated_ = AlignedBuffer<T>(size);
  needs_gradients_ = settings.accumulation_steps > 1 || settings.clipnorm > 0 || settings.global_clipnorm > 0;
  for (const Tensor<T>& tensor : stages.tensors()) {
    if (!tensor.trained) continue;
    is_regularized_ = is_regularized_ || tensor.training.l1 != 0 || tensor.training.l2 != 0;
    is_constrained_ = is_constrained_ || tensor.training.constraint.kind != ConstraintKind::none;
  }
}

template <class T>
void Optimization<T>::reserve_gradients() {
  if (gradients_.size() == 0) gradients_ = AlignedBuffer<T>(stages_.memory().size());
}

template <class T>
void Optimization<T>::begin(double learning_rate) {
  steps_now_ = (batches_ + 1) % settings_.accumulation_steps == 0;
  if (!steps_now_) return;
  corrections_.go_to(iterations());
  const Update<T> usual = corrections_.template update<T>(learning_rate, settings_.weight_decay);
  for (std::size_t i = 0; i < updates_.size(); ++i) {
    const WeightTraining& training = stages_.tensors()[i].training;
    if (training.multiplier == 1 && (training.decays || settings_.weight_decay == 0))
      updates_[i] = usual;
    else
      updates_[i] = corrections_.template update<T>(learning_rate * training.multiplier,
                                                    training.decays ? settings_.weight_decay : 0);
    updates_[i].l1 = static_cast<T>(training.l1);
    updates_[i].l2 = static_cast<T>(2 * training.l2);
    updates_[i].scale = static_cast<T>(1 / static_cast<double>(settings_.accumulation_steps));
  }
}

template <class T>
void Optimization<T>::update(std::size_t tensor, std::size_t offset, std::size_t count, const T* gradients) {
  T* slots[kMostSlots];
  for (std::size_t k = 0; k < kMostSlots; ++k) slots[k] = slots_[k].size() > 0 ? slots_[k].data() + offset : nullptr;
  active_kernels<T>().update(updates_[tensor], count, gradients, stages_.memory().data() + offset, slots);
}

template <class T>
void Optimization<T>::apply() {
  const std::vector<Tensor<T>>& tensors = stages_.tensors();
  if (settings_.accumulation_steps > 1) {
    for (const Tensor<T>& tensor : tensors)
      if (tensor.trained)
        tensor.for_each_stretch([&](std::size_t offset, std::size_t count) {
          for (std::size_t i = offset; i < offset + count; ++i) {
            accumulated_.data()[i] += gradients_.data()[i];
            if (!steps_now_) continue;
            gradients_.data()[i] = accumulated_.data()[i];
            accumulated_.data()[i] = 0;
          }
        });
    if (!steps_now_) return;
  }
  if (settings_.clipnorm > 0 || settings_.global_clipnorm > 0) clip();
  for (std::size_t i = 0; i < tensors.size(); ++i)
    if (tensors[i].trained)
      tensors[i].for_each_stretch(
          [&](std::size_t offset, std::size_t count) { update(i, offset, count, gradients_.data() + offset); });
}

template <class T>
void Optimization<T>::regularize() {
  for (std::size_t i = 0; i < updates_.size(); ++i) {
    const Tensor<T>& tensor = stages_.tensors()[i];
    if (!tensor.trained || (tensor.training.l1 == 0 && tensor.training.l2 == 0)) continue;
    const T l1 = static_cast<T>(tensor.training.l1), l2 = static_cast<T>(2 * tensor.training.l2);
    tensor.for_each_stretch([&](std::size_t offset, std::size_t count) {
      for (std::size_t j = offset; j < offset + count; ++j) {
        const T w = stages_.memory().data()[j];
        gradients_.data()[j] += l2 * w + (w > 0 ? l1 : w < 0 ? -l1 : T{0});
      }
    });
  }
}

// Norms are those of the gradients with the regularizers'; the factors go into the updates' scale.
template <class T>
void Optimization<T>::clip() {
  const std::vector<Tensor<T>>& tensors = stages_.tensors();
  const T share = static_cast<T>(1 / static_cast<double>(settings_.accumulation_steps));
  if (settings_.accumulation_steps > 1)
    for (const Tensor<T>& tensor : tensors)
      tensor.for_each_stretch([&](std::size_t offset, std::size_t count) {
        for (std::size_t i = offset; i < offset + count; ++i) gradients_.data()[i] *= share;
      });
  regularize();
  double total = 0;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    updates_[i].l1 = updates_[i].l2 = 0;
    if (!tensors[i].trained) continue;
    const double square = sum_of(tensors[i], gradients_.data(), true);
    total += square;
    const double norm = elementary::square_root(square);
    updates_[i].scale =
        settings_.clipnorm > 0 && norm > settings_.clipnorm ? static_cast<T>(settings_.clipnorm / norm) : T{1};
  }
  const double norm = elementary::square_root(total);
  if (settings_.global_clipnorm > 0 && norm > settings_.global_clipnorm)
    for (Update<T>& update : updates_) update.scale = static_cast<T>(settings_.global_clipnorm / norm);
}

template <class T>
void Optimization<T>::constrain(const Tensor<T>& tensor) {
  const Constraint& constraint = tensor.training.constraint;
  T* const memory = stages_.memory().data();
  if (constraint.kind == ConstraintKind::non_neg) {
    tensor.for_each_stretch([&](std::size_t offset, std::size_t count) {
      for (std::size_t i = offset; i < offset + count; ++i) memory[i] = memory[i] >= 0 ? memory[i] : T{0};
    });
    return;
  }
  // The weights of a unit are a column of a kernel; a bias is one column.
  const std::size_t columns = tensor.is_kernel ? tensor.units : 1,
                    rows = tensor.is_kernel ? tensor.inputs : tensor.units;
  for (std::size_t n = 0; n < columns; ++n) {
    const auto place = [&](std::size_t k) { return tensor.is_kernel ? tensor.place(k, n) : tensor.offset + k; };
    double squares = 0;
    for (std::size_t k = 0; k < rows; ++k) {
      const double w = static_cast<double>(memory[place(k)]);
      squares += w * w;
    }
    const double norm = elementary::square_root(squares);
    double desired = 1;
    if (constraint.kind == ConstraintKind::max_norm) desired = std::min(norm, constraint.maximum);
    if (constraint.kind == ConstraintKind::min_max_norm)
      desired =
          constraint.rate * std::clamp(norm, constraint.minimum, constraint.maximum) + (1 - constraint.rate) * norm;
    const double factor = desired / (kSmallNorm + norm);
    for (std::size_t k = 0; k < rows; ++k)
      memory[place(k)] = static_cast<T>(static_cast<double>(memory[place(k)]) * factor);
  }
}

template <class T>
void Optimization<T>::finish() {
  const auto constrain_all = [&] {
    if (!is_constrained_) return;
    for (const Tensor<T>& tensor : stages_.tensors())
      if (tensor.trained && tensor.training.constraint.kind != ConstraintKind::none) constrain(tensor);
  };
  if (steps_now_) {
    constrain_all();
    if (average_.size() > 0) {
      const T momentum = iterations() == 0 ? T{0} : static_cast<T>(settings_.ema_momentum);
      const T rest = iterations() == 0 ? T{1} : static_cast<T>(1 - settings_.ema_momentum);
      for (std::size_t i = 0; i < average_.size(); ++i)
        average_.data()[i] = tiny_as_zero(momentum * average_.data()[i] + rest * stages_.memory().data()[i]);
    }
  }
  ++batches_;
  if (steps_now_ && settings_.ema_overwrite_frequency > 0 && iterations() % settings_.ema_overwrite_frequency == 0) {
    average();
    constrain_all();  // the mean of weights of norm 1 has a smaller one
  }
}

template <class T>
void Optimization<T>::average() {
  if (average_.size() == 0 || batches_ == 0) return;
  for (const Tensor<T>& tensor : stages_.tensors())
    if (tensor.trained)
      tensor.for_each_stretch([&](std::size_t offset, std::size_t count) {
        std::copy_n(average_.data() + offset, count, stages_.memory().data() + offset);
      });
}

template <class T>
double Optimization<T>::penalty() const {
  double total = 0;
  if (!is_regularized_) return total;
  const T* const memory = std::as_const(stages_).memory().data();
  for (const Tensor<T>& tensor : stages_.tensors()) {
    if (!tensor.trained) continue;
    if (tensor.training.l1 != 0) total += tensor.training.l1 * sum_of(tensor, memory, false);
    if (tensor.training.l2 != 0) total += tensor.training.l2 * sum_of(tensor, memory, true);
  }
  return total;
}

template <class T>
std::vector<typename Optimization<T>::Memory> Optimization<T>::memories() const {
  std::vector<Memory> memories;
  const OptimizerRow& row = optimizer_row(settings_.kind);
  const auto add = [&](const char* name, const AlignedBuffer<T>& buffer) {
    if (buffer.size() > 0) memories.push_back({name, const_cast<T*>(buffer.data())});
  };
  for (std::size_t k = 0; k < kMostSlots; ++k) add(row.slots[k].name, slots_[k]);
  add("average", average_);
  add("accumulated", accumulated_);
  return memories;
}

template <class T>
typename Trainer<T>::State Optimization<T>::state() const {
  typename Trainer<T>::State state;
  state.iterations = iterations();
  state.accumulated = batches_ % settings_.accumulation_steps;
  for (const Memory& memory : memories())
    for (const Tensor<T>& tensor : stages_.tensors())
      if (tensor.trained)
        state.slots[memory.name + "/" + std::to_string(tensor.layer) + "/" + tensor.name] = tensor.read(memory.data);
  return state;
}

template <class T>
void Optimization<T>::set_state(const typename Trainer<T>::State& state) {
  std::size_t found = 0;
  const auto for_each = [&](const auto& use) {
    for (const Memory& memory : memories())
      for (const Tensor<T>& tensor : stages_.tensors()) {
        if (!tensor.trained) continue;
        const std::string name = memory.name + "/" + std::to_string(tensor.layer) + "/" + tensor.name;
        const auto slot = state.slots.find(name);
        if (slot == state.slots.end()) throw Error("expected the slot " + name + " in the state; received none");
        use(memory, tensor, name, slot->second);
      }
  };
  for_each([&](const Memory&, const Tensor<T>& tensor, const std::string& name, const std::vector<T>& numbers) {
    ++found;
    if (numbers.size() != tensor.size())
      throw Error("slot " + name + ": expected " + std::to_string(tensor.size()) + " numbers; received " +
                  std::to_string(numbers.size()));
  });
  if (found != state.slots.size())
    throw Error("expected " + std::to_string(found) + " slots in the state; received " +
                std::to_string(state.slots.size()));
  if (state.accumulated >= settings_.accumulation_steps)
    throw Error("expected fewer accumulated batches than accumulation_steps, " +
                std::to_string(settings_.accumulation_steps) + "; received " + std::to_string(state.accumulated));
  if (state.iterations > kMostIterations)
    throw Error("expected at most 2^53 iterations in the state; received " + std::to_string(state.iterations));
  for_each([](const Memory& memory, const Tensor<T>& tensor, const std::string&, const std::vector<T>& numbers) {
    tensor.write(numbers, memory.data);
  });
  batches_ = state.iterations * settings_.accumulation_steps + state.accumulated;
}

template class Optimization<float>;
template class Optimization<double>;

}  // namespace fastnn
