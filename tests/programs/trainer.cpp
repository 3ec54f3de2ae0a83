// For test_programs.py: the promises of trainer.hpp. Steps after the first allocate nothing, with gradients in pieces
// and in memory; wrong settings and arrays get one sentence each; an error changes nothing.
#include <fastnn/threads.hpp>
#include <fastnn/trainer.hpp>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "check.hpp"
#include "failing_new.hpp"

namespace {

using namespace fastnn;

constexpr std::size_t kRows = 600, kInputs = 20, kHidden = 33, kUnits = 3;
constexpr double kNan = std::numeric_limits<double>::quiet_NaN(), kInfinity = std::numeric_limits<double>::infinity();

template <class T>
std::vector<T> draw(std::size_t size) {
  std::vector<T> x(size);
  unsigned state = 1;
  for (T& each : x)
    each = static_cast<T>(static_cast<int>(state = state * 1664525u + 1013904223u) >> 8) / static_cast<T>(1 << 24);
  return x;
}

// Layers of all kinds, the weights of which this holds.
template <class T>
struct Given {
  std::vector<T> kernel = draw<T>(kInputs * kHidden), bias = draw<T>(kHidden), gamma = std::vector<T>(kHidden, T{1}),
                 variance = gamma, last = draw<T>(kHidden * kUnits), x = draw<T>(kRows * kInputs),
                 y = draw<T>(kRows * kUnits);
  std::vector<TrainedLayer<T>> layers(bool by_batch = false) const {
    std::vector<TrainedLayer<T>> layers;
    const auto add = [&](const Layer<T>& layer) -> TrainedLayer<T>& {
      layers.push_back(layer);
      return layers.back();
    };
    WeightTraining& training =
        add(dense_layer(kHidden, kernel.data(), bias.data(), Activation::gelu)).weights["kernel"];
    training.l2 = 0.01;
    training.constraint = {ConstraintKind::max_norm, 0, 3, 1};
    Layer<T> normalization{LayerKind::batch_normalization, kHidden, Activation::linear, {0.001}};
    normalization.weights = {{"moving_mean", bias.data()}, {"moving_variance", variance.data()}};
    if (by_batch) add(normalization);
    add(activation_layer<T>(kHidden, Activation::linear)).noise = {NoiseKind::dropout, 0.2};
    add(dense_layer(kUnits, last.data()));
    return layers;
  }
  Batches<T> batches(const double* rates, std::size_t batch_size) const {
    Batches<T> all{{x.data(), kRows, kInputs}, {y.data(), kRows, kUnits}};
    all.rows = kRows;
    all.batch_size = batch_size;
    all.learning_rates = rates;
    return all;
  }
};

template <class T>
void check_allocations() {
  const Given<T> given;
  const std::vector<double> rates(kRows, 0.001);
  std::vector<double> losses(kRows);
  std::vector<T> outputs(kRows * kUnits);
  for (const char* name : {"sgd", "adam", "rmsprop", "nadam"})
    for (const bool in_memory : {false, true})
      for (const bool by_batch : {false, true}) {
        const auto optimizer = optimizer_settings(name, {{"global_clipnorm", in_memory ? 0.1 : 0.0}});
        Trainer<T> trainer(kInputs, given.layers(by_batch), loss_settings("mean_squared_error"), optimizer);
        for (const std::size_t batch_size : {300, 1, 32, 256, 300}) {  // the first has most rows
          const auto batches = given.batches(rates.data(), batch_size);
          const long before = allocations();
          trainer.train(batches, losses.data());
          trainer.evaluate(batches.x, outputs.data(), &batches.y, losses.data());
          trainer.step({given.x.data(), 7, kInputs}, {given.y.data(), 7, kUnits}, 0.001);
          if (batch_size != 300) CHECK(allocations() == before);
        }
        const long before = allocations();
        trainer.forward({given.x.data(), 32, kInputs}, outputs.data());
        trainer.backward(outputs.data(), 32, 0.001);
        CHECK(allocations() == before);
      }
}

// Two epochs in one order, whose batches end with each, are two calls.
template <class T>
void check_epochs() {
  const Given<T> given;
  const std::vector<double> rates(8, 0.01);
  std::vector<double> losses(8), expected(8);
  std::vector<std::int64_t> order(14);
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::int64_t>(i * 5 % 14);
  Batches<T> both = given.batches(rates.data(), 3);
  both.order = order.data();
  both.rows = 14;
  both.epoch_rows = 7;
  Batches<T> first = both;
  first.rows = 7;
  Batches<T> second = first;
  second.order += 7;
  CHECK(both.steps() == 6 && first.steps() == 3 && given.batches(rates.data(), 32).steps() == (kRows + 31) / 32);
  const auto trainer = [&] {
    return Trainer<T>(kInputs, given.layers(), loss_settings("mean_squared_error"), optimizer_settings("adam"));
  };
  Trainer<T> at_once = trainer(), one_by_one = trainer();
  CHECK(at_once.train(both, losses.data()).steps == 6);
  one_by_one.train(first, expected.data());
  one_by_one.train(second, expected.data() + 3);
  CHECK(losses == expected);
  CHECK(at_once.weights(0) == one_by_one.weights(0));
  both.rows = 13;  // the last epoch may be cut
  CHECK(both.steps() == 5);
  CHECK(at_once.train(both, losses.data()).steps == 5);
}

std::string error_of(const std::function<void()>& call) {
  try {
    call();
    return "";
  } catch (const Error& error) {
    return error.what();
  }
}

void check_sentence(const std::function<void()>& call, const std::string& beginning) {
  const std::string said = error_of(call);
  if (said.rfind(beginning, 0) == 0) return;
  std::fprintf(stderr, "expected '%s…'; received '%s'\n", beginning.c_str(), said.c_str());
  std::exit(1);
}

void check_settings() {
  const auto optimizer = [](const char* name, const char* setting, double value) {
    return [=] { optimizer_settings(name, {{setting, value}}); };
  };
  check_sentence(optimizer("none", "momentum", 0), "expected an optimizer, one of sgd, adam, ");
  check_sentence(optimizer("sgd", "beta_1", 0), "expected a setting of the optimizer sgd, one of momentum, nesterov, ");
  check_sentence(optimizer("sgd", "momentum", 1.5), "momentum: expected a number from 0 to 1; received 1.5");
  check_sentence(optimizer("sgd", "momentum", kNan), "momentum: expected a finite number; received ");
  check_sentence(optimizer("adam", "beta_2", 1), "beta_2: expected a number of at least 0 and below 1; received 1");
  check_sentence(optimizer("adam", "epsilon", -1), "epsilon: expected at least 0; received -1");
  check_sentence(optimizer("adam", "clipnorm", kInfinity), "clipnorm: expected a finite number; ");
  check_sentence(optimizer("adam", "weight_decay", -0.1), "weight_decay: expected at least 0; ");
  check_sentence(optimizer("adam", "ema_momentum", 2), "ema_momentum: expected a number from 0 to 1; received 2");
  check_sentence(optimizer("adam", "accumulation_steps", 0.5), "accumulation_steps: expected a whole number from 0 ");
  check_sentence(optimizer("adam", "accumulation_steps", 1e300), "accumulation_steps: expected a whole number from 0 ");
  check_sentence(optimizer("adam", "accumulation_steps", 0), "accumulation_steps: expected at least 1; received 0");

  const auto loss = [](const char* name, const char* parameter, double value) {
    return [=] { loss_settings(name, {{parameter, value}}); };
  };
  check_sentence(loss("mse", "delta", 1), "expected a loss, one of mean_squared_error, ");
  check_sentence(loss("huber", "gamma", 1), "expected a parameter of the loss huber; received 'gamma'");
  check_sentence(loss("huber", "delta", 0), "delta: expected more than 0; received 0");
  check_sentence(loss("huber", "delta", kNan), "delta: expected a finite number; received ");
  check_sentence(loss("quantile", "quantile", 1.5), "quantile: expected a number from 0 to 1; received 1.5");
}

template <class T>
void check_layers() {
  const Given<T> given;
  const auto with = [&](const std::function<void(TrainedLayer<T>&)>& change) {
    return [&given, change] {
      auto layers = given.layers();
      change(layers[0]);
      Trainer<T>(kInputs, layers, loss_settings("mean_squared_error"), optimizer_settings("sgd"));
    };
  };
  using Layer = TrainedLayer<T>;
  check_sentence(with([](Layer& layer) { layer.layer.activation = Activation::step; }), "layer 0: step has no deriv");
  check_sentence(with([](Layer& layer) { layer.layer.units = 0; }), "layer 0");
  check_sentence(with([](Layer& layer) { layer.momentum = kNan; }), "layer 0: momentum: expected a finite number");
  check_sentence(with([](Layer& layer) { layer.noise = {NoiseKind::dropout, -1}; }), "layer 0: rate: expected a num");
  check_sentence(with([](Layer& layer) { layer.noise = {NoiseKind::alpha_dropout, 1}; }), "layer 0: rate: expected");
  check_sentence(with([](Layer& layer) { layer.noise = {NoiseKind::gaussian_noise, kInfinity}; }), "layer 0: rate: ");
  check_sentence(with([](Layer& layer) { layer.noise = {NoiseKind(9), 0}; }), "layer 0: expected a NoiseKind; rec");
  check_sentence(with([](Layer& layer) { layer.activity_l2 = -1; }), "layer 0: activity_l2: expected at least 0");
  check_sentence(with([](Layer& layer) { layer.weights["gamma"]; }), "layer 0: expected a weight of the layer; rece");
  check_sentence(with([](Layer& layer) { layer.weights["bias"].multiplier = -1; }), "layer 0: bias: multiplier: exp");
  check_sentence(with([](Layer& layer) { layer.weights["bias"].l1 = kNan; }), "layer 0: bias: l1: expected a finite");
  check_sentence(with([](Layer& layer) { layer.weights["bias"].constraint.kind = ConstraintKind(9); }),
                 "layer 0: bias: expected a ConstraintKind; received one numbered 9");
  check_sentence(with([](Layer& layer) { layer.weights["bias"].constraint = {ConstraintKind::min_max_norm, 2, 1, 1}; }),
                 "layer 0: bias: minimum: expected at most the maximum, 1");
  check_sentence(with([](Layer& layer) { layer.weights["bias"].constraint = {ConstraintKind::max_norm, 0, -1, 1}; }),
                 "layer 0: bias: maximum: expected at least 0; received -1");
}

template <class T>
void check_calls() {
  const Given<T> given;
  Trainer<T> trainer(kInputs, given.layers(), loss_settings("mean_squared_error"),
                     optimizer_settings("adam", {{"accumulation_steps", 2}}), 5);
  std::vector<double> rates(kRows, 0.001), losses(kRows);
  std::vector<T> outputs(kRows * kUnits);
  trainer.train(given.batches(rates.data(), 32), losses.data());
  const auto state = trainer.state();
  const auto weights = trainer.weights(0);
  CHECK(trainer.iterations() == 9 && state.accumulated == 1 && state.slots.size() == 3 * 3);

  const auto train = [&](const std::function<void(Batches<T>&)>& change) {
    return [&, change] {
      auto batches = given.batches(rates.data(), 32);
      change(batches);
      trainer.train(batches, losses.data());
    };
  };
  using All = Batches<T>;
  const std::int64_t order[] = {0, 600};
  check_sentence(train([](All& all) { all.x.data = nullptr; }), "expected x; received a null pointer");
  check_sentence(train([](All& all) { all.y.data = nullptr; }), "expected y; received a null pointer");
  check_sentence(train([](All& all) { all.y.rows = 3; }), "expected as many rows of y as of x, 600; received 3");
  check_sentence(train([](All& all) { ++all.rows; }), "expected at most the 600 rows of x; received 601");
  check_sentence(train([](All& all) { all.batch_size = 0; }), "batch_size: expected at least 1; received 0");
  check_sentence(train([](All& all) { all.learning_rates = nullptr; }), "expected losses and learning_rates; ");
  check_sentence(train([&](All& all) { all.order = order, all.rows = 2; }), "order: expected numbers from 0 to 599, ");
  for (const double wrong : {-0.001, kNan, kInfinity}) {
    rates[18] = wrong;
    check_sentence(train([](All&) {}), "learning_rate: expected ");
    check_sentence([&] { trainer.backward(outputs.data(), 1, wrong); }, "learning_rate: expected ");
  }
  check_sentence([&] { trainer.backward(nullptr, 1, 0); }, "expected a gradient; received a null pointer");
  check_sentence([&] { trainer.backward(outputs.data(), 1, 0); }, "expected backward() after forward(), with as many");
  trainer.forward({given.x.data(), 2, kInputs}, outputs.data());
  check_sentence([&] { trainer.backward(outputs.data(), 3, 0); }, "expected backward() after forward(), with as many");
  check_sentence([&] { trainer.forward({given.x.data(), 0, kInputs}, outputs.data()); }, "expected at least 1 row");

  check_sentence([&] { trainer.weights(3); }, "expected the number of a layer, 0 to 2; received 3");
  check_sentence([&] { trainer.set_weights(3, {}); }, "expected the number of a layer, 0 to 2; received 3");
  check_sentence([&] { trainer.set_weights(0, {{"gamma", {}}}); }, "layer 0: expected weights of the layer; rece");
  check_sentence([&] { trainer.set_weights(0, {{"bias", std::vector<T>(kHidden)}, {"kernel", {}}}); },
                 "layer 0: kernel: expected 660 numbers; received 0");

  const auto set_state = [&](const std::function<void(typename Trainer<T>::State&)>& change) {
    return [&, change] {
      auto changed = state;
      for (auto& slot : changed.slots) std::fill(slot.second.begin(), slot.second.end(), T{9});
      change(changed);
      trainer.set_state(changed);
    };
  };
  using State = typename Trainer<T>::State;
  check_sentence(set_state([](State& s) { s.slots.erase("momentum/0/bias"); }),
                 "expected the slot momentum/0/bias in ");
  check_sentence(set_state([](State& s) { s.slots["velocity/0/bias"].pop_back(); }),
                 "slot velocity/0/bias: expected 33");
  check_sentence(set_state([](State& s) { s.slots["velocity/1/bias"]; }), "expected 9 slots in the state; received 10");
  check_sentence(set_state([](State& s) { s.accumulated = 2; }),
                 "expected fewer accumulated batches than accumulation");
  check_sentence(set_state([](State& s) { s.iterations = ~std::uint64_t{0}; }), "expected at most 2^53 iterations in ");

  CHECK(trainer.weights(0) == weights);
  CHECK(trainer.state().slots == state.slots && trainer.state().accumulated == 1 && trainer.iterations() == 9);

  auto late = state;  // the powers of beta_1 and beta_2 end at numbers that no product changes
  late.iterations = std::uint64_t{1} << 53;
  trainer.set_state(late);
  trainer.step({given.x.data(), 7, kInputs}, {given.y.data(), 7, kUnits}, 0.001);
  CHECK(trainer.iterations() == late.iterations + 1);

  Trainer<T> without(kInputs, given.layers(), std::nullopt, optimizer_settings("sgd"));
  const auto batches = given.batches(rates.data(), 32);
  std::vector<std::map<std::string, std::vector<T>>> gradients;
  check_sentence([&] { without.train(batches, losses.data()); }, "expected a trainer with a loss; this one has none");
  check_sentence([&] { without.gradients(batches, gradients); }, "expected a trainer with a loss; this one has none");
  check_sentence([&] { without.evaluate(batches.x, nullptr, &batches.y, losses.data()); },
                 "expected a trainer with a ");
  CHECK(without.evaluate(batches.x, outputs.data()));

  Trainer<T> moved = std::move(without);
  without = std::move(moved);
  CHECK(without.layers() == 3 && without.network().units() == kUnits);
}

// A step in two halves, the first of which another trainer does in two parts, is a step in one call.
template <class T>
void check_halves() {
  const Given<T> given;
  const auto trainer = [&] {
    return Trainer<T>(kInputs, given.layers(), loss_settings("mean_squared_error"), optimizer_settings("adam"), 5);
  };
  Trainer<T> whole = trainer(), halves = trainer(), worker = trainer();
  const auto part = [&](std::size_t first, std::size_t rows) {
    return Batches<T>{{given.x.data() + first * kInputs, rows, kInputs},
                      {given.y.data() + first * kUnits, rows, kUnits},
                      nullptr,
                      nullptr,
                      rows};
  };
  const auto first = worker.block_gradients(part(0, 512), {0, kRows, 0});
  const auto second = worker.block_gradients(part(512, 88), {512, kRows, 0});
  const std::size_t size = halves.gradient_size();
  CHECK(first.finite && first.gradients.size() == 2 * size && first.losses.size() == 512 &&
        first.activities.size() == 2);
  CHECK(second.finite && second.gradients.size() == size && second.losses.size() == 88);
  std::vector<T> sum(first.gradients.begin(), first.gradients.begin() + static_cast<std::ptrdiff_t>(size));
  for (std::size_t i = 0; i < size; ++i) sum[i] += first.gradients[size + i];
  for (std::size_t i = 0; i < size; ++i) sum[i] += second.gradients[i];
  halves.apply(sum.data(), 0.001);
  const double loss = whole.step({given.x.data(), kRows, kInputs}, {given.y.data(), kRows, kUnits}, 0.001);
  double total = 0;
  for (const auto* losses : {&first.losses, &second.losses})
    for (const double each : *losses) total += each;
  CHECK(total / kRows + 0.0 / kRows + worker.penalty() == loss);
  for (std::size_t layer = 0; layer < 3; ++layer) CHECK(halves.weights(layer) == whole.weights(layer));
  CHECK(halves.iterations() == 1 && worker.iterations() == 0);

  check_sentence([&] { worker.block_gradients(part(0, 512), {1, kRows, 0}); },
                 "expected whole blocks of 256 rows of a ");
  check_sentence([&] { worker.block_gradients(part(0, 512), {256, kRows, 0}); }, "expected whole blocks of 256 rows ");
  check_sentence([&] { worker.apply(nullptr, 0.001); }, "expected gradients; received a null pointer");
  check_sentence([&] { worker.apply(sum.data(), kNan); }, "learning_rate: expected ");
  Trainer<T> by_batch(kInputs, given.layers(true), loss_settings("mean_squared_error"), optimizer_settings("sgd"));
  const char* const refused = "expected layers that train blocks of rows by themselves; a trainable BatchNormalization";
  check_sentence([&] { by_batch.block_gradients(part(0, 512), {0, kRows, 0}); }, refused);
  check_sentence([&] { by_batch.apply(sum.data(), 0.001); }, refused);
  Trainer<T> without(kInputs, given.layers(), std::nullopt, optimizer_settings("sgd"));
  check_sentence([&] { without.block_gradients(part(0, 512), {0, kRows, 0}); },
                 "expected a trainer with a loss; this ");
}

}  // namespace

int main() {
  set_num_threads(1);
  check_allocations<float>();
  check_allocations<double>();
  check_epochs<float>();
  check_epochs<double>();
  check_settings();
  check_layers<float>();
  check_layers<double>();
  check_calls<float>();
  check_calls<double>();
  check_halves<float>();
  check_halves<double>();
}
