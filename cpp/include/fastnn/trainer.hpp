// Trains a dense network, without Python.
//
//   #include <fastnn/trainer.hpp>
//
//   using namespace fastnn;
//   const float hidden[] = {1, -1, 1, 1}, last[] = {2, -1};
//   Trainer<float> trainer(2, {dense_layer(2, hidden, nullptr, Activation::tanh), dense_layer(1, last)},
//                          loss_settings("mean_squared_error"), optimizer_settings("adam"));
//
//   const float x[] = {2, 3, 1, 0}, y[] = {1, -1};
//   const double loss = trainer.step({x, 2, 2}, {y, 2, 1}, 0.001);  // one batch of 2 rows: the loss before the step
//   const Network<float> network = trainer.network();               // what the weights are now
//
// The bits of weights and losses after any number of steps depend on the first weights, the rows, their order, the
// settings and the seed alone (docs/numerics.md, "Training").
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fastnn/function_ref.hpp"
#include "fastnn/losses.hpp"
#include "fastnn/network.hpp"
#include "fastnn/optimizers.hpp"

namespace fastnn {

// The version of docs/numerics.md, "Training", that every step follows.
constexpr int kTrainingVersion = 1;

// What a loss computes with: the parameters of its row in kLosses.
struct LossSettings {
  Loss loss;
  std::array<double, kMostLossParameters> parameters{};
};

// Returns the loss of this name with its defaults, or those given by name. Throws Error for an unknown name.
LossSettings loss_settings(const std::string& name, const std::map<std::string, double>& given = {});

// An optimizer. `settings` are those of its row in kOptimizers; the others hold for all of them. 0 is off.
struct OptimizerSettings {
  OptimizerKind kind;
  std::array<double, kMostSettings> settings{};
  double weight_decay = 0;                  // before each step, w -= w · weight_decay · learning rate
  double clipnorm = 0;                      // the largest norm of the gradient of each weight array
  double global_clipnorm = 0;               // the largest norm of all gradients together
  double clipvalue = 0;                     // the largest absolute value in a gradient
  double ema_momentum = 0;                  // an average of the weights is kept
  std::size_t ema_overwrite_frequency = 0;  // steps after which weights become their average
  std::size_t accumulation_steps = 1;       // batches whose mean gradient makes one step
};

// Returns the optimizer of this name with its defaults, or those given by name. Throws Error for an unknown name.
OptimizerSettings optimizer_settings(const std::string& name, const std::map<std::string, double>& given = {});

enum class NoiseKind : std::uint8_t { none, dropout, alpha_dropout, gaussian_noise };

// What a layer does in training only, after it has computed: rate is that of the dropout, or the standard deviation.
struct Noise {
  NoiseKind kind = NoiseKind::none;
  double rate = 0;
  std::optional<std::uint64_t> seed{};  // default: the trainer's
};

enum class ConstraintKind : std::uint8_t { none, max_norm, non_neg, unit_norm, min_max_norm };

// What weights are after each step. Norms are those of the weights of one unit.
struct Constraint {
  ConstraintKind kind = ConstraintKind::none;
  double minimum = 0, maximum = 1, rate = 1;
};

// How an array of weights is trained.
struct WeightTraining {
  double multiplier = 1;  // of the learning rate
  double l1 = 0, l2 = 0;  // the loss grows by l1 · sum of |w| + l2 · sum of w²
  bool decays = true;     // weight_decay applies
  Constraint constraint{};
};

// A layer and how it is trained. The caller owns the first weights, which are copied.
template <class T>
struct TrainedLayer {
  TrainedLayer(Layer<T> each) : layer(std::move(each)) {}

  Layer<T> layer;
  bool trainable = true;
  double momentum = 0.99;  // of BatchNormalization: moving = momentum · moving + (1 - momentum) · that of the batch
  Noise noise{};
  double activity_l1 = 0, activity_l2 = 0;  // the loss grows by them, as by those of a weight, for the layer's outputs
  std::map<std::string, WeightTraining> weights{};
};

// Rows to train with: batches of batch_size rows, the last one of an epoch shorter.
template <class T>
struct Batches {
  Rows<T> x, y;
  const T* weights = nullptr;           // one for each row of x, or null: all 1
  const std::int64_t* order = nullptr;  // the numbers of the rows, or null: 0, 1, …
  std::size_t rows = 0;                 // of the order
  std::size_t batch_size = 32;
  const double* learning_rates = nullptr;  // one for each batch
  T* outputs = nullptr;                    // rows x units, those of training; or null
  std::size_t epoch_rows = 0;              // of each of several epochs in the order; 0: all rows are one

  // The rows of the batch that begins at one of the rows.
  std::size_t rows_of_batch(std::size_t first) const {
    const std::size_t end = epoch_rows == 0 ? rows : std::min(rows, (first / epoch_rows + 1) * epoch_rows);
    return std::min(batch_size, end - first);
  }

  // The number of batches.
  std::size_t steps() const {
    const std::size_t epoch = epoch_rows == 0 ? rows : epoch_rows;
    const auto batches = [this](std::size_t n) { return (n + batch_size - 1) / batch_size; };
    return epoch == 0 ? 0 : rows / epoch * batches(epoch) + batches(rows % epoch);
  }
};

// What became of batches. `finite` is false if the last loss is not: its step was not done, and `layer` is the first
// whose outputs are not finite, or -1.
struct Trained {
  std::size_t steps = 0;  // losses written
  bool finite = true;
  std::ptrdiff_t layer = -1;
};

// What some rows of a batch contribute to its step: each block of 256 rows by itself, so that several processes can
// share a batch. A step of Trainer::train adds the gradients of the blocks, and what rows and blocks add to the loss,
// in order.
template <class T>
struct BlockGradients {
  std::vector<T> gradients;        // blocks x gradient_size(), in the layout of the trainer's memory
  std::vector<double> losses;      // the loss of each row times its weight
  std::vector<double> activities;  // what activity regularizers add for each block, before the division by rows
  bool finite = true;              // if not, these are the losses up to the end of the first block that has others, and
  std::ptrdiff_t layer = -1;       // `layer` is the first whose outputs are not finite, or -1
};

// Which rows of which batch they are: those from `first` on, a multiple of 256, of the `rows` rows of a batch after
// `batches` others.
struct PartOfBatch {
  std::size_t first = 0, rows = 0;
  std::uint64_t batches = 0;
};

// T is float or double. One thread at a time may use a trainer.
template <class T>
class Trainer {
 public:
  // Validates as Network does. Throws Error too for settings out of their ranges, and for weights to be trained
  // through an activation without a derivative (step). Without a loss, the caller computes it between forward() and
  // backward(). A trainer that has been moved from may only be destroyed or assigned to.
  Trainer(std::size_t inputs, const std::vector<TrainedLayer<T>>& layers, std::optional<LossSettings> loss,
          const OptimizerSettings& optimizer, std::uint64_t seed = 0);
  ~Trainer();
  Trainer(Trainer&&) noexcept;
  Trainer& operator=(Trainer&&) noexcept;

  // Trains one batch; returns its loss before the step: sum of weight · loss of a row, divided by rows, and what
  // regularizers add. If that is not finite, the step is not done.
  double step(Rows<T> x, Rows<T> y, double learning_rate, const T* weights = nullptr);

  // Trains batches; losses has room for one each. Between steps go_on is asked, as by Network::forward; after false the
  // steps done stay. Throws Error before the first step for an order of other rows, other rows of y, learning rates
  // that are negative or not finite. Long steps use several threads (threads.hpp). Steps allocate nothing, but for
  // those that have more rows than all before, or the first that needs gradients in memory.
  Trained train(const Batches<T>& batches, double* losses, FunctionRef<bool()> go_on = {});

  // As Network::forward, with the weights of now: outputs (rows, units), or null. `losses` has room for each row's: its
  // loss times its weight, if y is not null, and what activity regularizers add for it. Returns false if go_on did.
  bool evaluate(Rows<T> x, T* outputs, const Rows<T>* y = nullptr, double* losses = nullptr, const T* weights = nullptr,
                FunctionRef<bool()> go_on = {}) const;

  // A step with a loss of the caller's: forward() gives the outputs of training, backward() takes the gradient of the
  // loss by them, (rows, units), contiguous. Throws Error for other rows than those of forward().
  void forward(Rows<T> x, T* outputs);
  void backward(const T* gradient, std::size_t rows, double learning_rate);

  // The gradient of the loss of all rows as one batch, as arrays of the weights' shapes, with regularizers; nothing
  // changes. Returns the loss.
  double gradients(const Batches<T>& batch, std::vector<std::map<std::string, std::vector<T>>>& gradients);

  // A step in two halves. block_gradients() is a function of the weights, the rows and their place in the batch;
  // nothing changes. `part` needs no batch_size and no learning rates. apply() is the rest of the step, by the sum of
  // the gradients of all blocks in order: the first block's, to which the others are added one by one. Both throw Error
  // for a trainable BatchNormalization, which needs all rows of a batch at once.
  BlockGradients<T> block_gradients(const Batches<T>& part, const PartOfBatch& place);
  void apply(const T* gradients, double learning_rate);
  std::size_t gradient_size() const noexcept;

  // What regularizers of weights add to the loss; what those of activities add to that of the last forward().
  double penalty() const;
  double activity() const;

  std::size_t inputs() const noexcept;
  std::size_t units() const noexcept;
  std::size_t layers() const noexcept;

  // The weights of a layer by name, in their shapes; set_weights() takes some or all of them. Both throw Error for
  // another layer or other weights.
  std::map<std::string, std::vector<T>> weights(std::size_t layer) const;
  void set_weights(std::size_t layer, const std::map<std::string, std::vector<T>>& weights);

  // A network with the weights of now; noise is left out.
  Network<T> network() const;

  // Weights become their average, if the optimizer keeps one.
  void average();

  // What the next step depends on, beside the weights. set_state() throws Error for other arrays than state() gives.
  struct State {
    std::uint64_t iterations = 0, accumulated = 0;
    std::map<std::string, std::vector<T>> slots;  // "slot/layer/weight"
  };
  State state() const;
  void set_state(const State& state);
  std::uint64_t iterations() const noexcept;
  std::uint64_t batches() const noexcept;  // several make a step if the optimizer accumulates gradients

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace fastnn
