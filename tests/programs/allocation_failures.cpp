// For test_allocation_failures.py: `allocation_failures MODEL WRONG FOLDER`. It lets each allocation of every operation
// on a model fail in turn: that one alone, or all from it on. Every time the operation must throw std::bad_alloc, or
// succeed if fastnn can do without that memory. Nothing may leak, and everything must work afterwards. Each attempt
// runs in a new process, in which nothing has been allocated yet. It exits with 0 and prints the numbers of
// allocations, or prints the check that failed.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "check.hpp"
#include "child.hpp"
#include "failing_new.hpp"
#include "fastnn/fastnn.hpp"
#include "fastnn/isa.hpp"
#include "fastnn/model_file.hpp"
#include "fastnn/threads.hpp"
#include "fastnn/trainer.hpp"

namespace {

constexpr std::size_t kRows = 1000;  // four threads share them

struct Operation {
  const char* name;
  std::function<void()> prepare;  // before allocations fail
  std::function<void()> run;
  std::function<void()> check;  // after they have stopped failing
  int threads = 1;
};

// The result of an attempt, in memory that the child shares with its parent.
struct Report {
  bool finished, failed;
  long kept;
};

void attempt(const Operation& operation, long n, bool and_all_later, Report& report) {
  operation.prepare();
  fail(n, and_all_later);
  bool short_of_memory = false;
  try {
    operation.run();
  } catch (const std::bad_alloc&) {
    short_of_memory = true;
  }
  fail_no_more();
  report.failed = has_failed();
  CHECK(report.failed || !short_of_memory);
  if (!short_of_memory) operation.check();
  for (int i = 0; i < (operation.threads > 1 ? 20 : 1); ++i) {  // until each thread has allocated its scratch
    operation.run();
    operation.check();
  }
  report.kept = living();
  report.finished = true;
}

void fail_each_allocation(const Operation& operation, bool and_all_later) {
  Report& report = *shared<Report>(1);
  const auto attempted = [&](long n) {
    report = {};
    const int status = status_of_child([&] { attempt(operation, n, and_all_later, report); });
    if (status == 0 && report.finished) return;
    std::fprintf(stderr, "%s: status %#x where allocation %ld fails%s\n", operation.name, status, n,
                 and_all_later ? ", and all from it on" : "");
    std::_Exit(1);
  };
  attempted(1'000'000);
  CHECK(!report.failed);
  const long most_kept = report.kept + operation.threads - 1;  // a thread that ran no part has allocated no scratch
  long n = 0;
  for (;; ++n) {
    attempted(n);
    if (!report.failed) break;
    if (report.kept > most_kept) {
      std::fprintf(stderr, "%s: %ld allocations leaked where allocation %ld fails\n", operation.name,
                   report.kept - most_kept, n);
      std::_Exit(1);
    }
  }
  std::printf("%s: %ld\n", operation.name, n);
  std::fflush(stdout);
}

std::string content(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

template <class Error, class Call>
void expect(const Call& call) {
  try {
    call();
    CHECK(!"thrown");
  } catch (const Error&) {
  }
}

}  // namespace

int main(int argc, char** argv) {
  CHECK(argc == 4);
  const std::string path = argv[1], wrong = argv[2], folder = argv[3], saved = folder + "/saved.safetensors";

  std::unique_ptr<fastnn::ModelFile> file;
  std::unique_ptr<fastnn::Network<float>> network;
  std::vector<float> x, y;
  std::vector<float*> outputs;
  const auto load = [&] { file = std::make_unique<fastnn::ModelFile>(fastnn::load_model(path)); };
  const auto build = [&] { network = std::make_unique<fastnn::Network<float>>(fastnn::build_network<float>(*file)); };
  const auto prepare = [&](std::size_t threads) {
    fastnn::set_num_threads(threads);
    load();
    build();
    x.resize(kRows * network->inputs());
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i % 101) / 50 - 1;
    y.resize(kRows * network->units());
    outputs.assign(network->layers(), nullptr);
    outputs.back() = y.data();
  };
  const auto rows = [&] { return fastnn::Rows<float>{x.data(), kRows, std::ptrdiff_t(network->inputs())}; };
  const auto forward = [&] { network->forward(rows(), y.data()); };

  std::size_t& size = *shared<std::size_t>(1);
  float* const wanted = shared<float>(kRows * 1000);
  CHECK(status_of_child([&] {
          prepare(1);
          forward();
          size = y.size();
          CHECK(size <= kRows * 1000);
          std::copy(y.begin(), y.end(), wanted);
        }) == 0);

  const auto nothing = [] {};
  const auto check_answer = [&] {
    CHECK(std::equal(y.begin(), y.end(), wanted, wanted + size));
    std::fill(y.begin(), y.end(), 0.0f);
  };
  const auto check_folder = [&] {
    CHECK(content(saved) == content(path));
    std::filesystem::directory_iterator entries(folder), end;
    CHECK(std::distance(entries, end) == 1);
  };
  const auto save = [&] { fastnn::save_model(saved, *file); };
  // A trainer. A step that lacked memory changed nothing: the next one has the loss that it would have had.
  using Trainer = fastnn::Trainer<float>;
  constexpr std::size_t kInputs = 64, kUnits = 100, kSteps = 30;
  std::unique_ptr<Trainer> trainer;
  std::vector<float> first(kInputs * kUnits), second(kUnits), targets(kRows);
  double loss = 0;
  const auto build_trainer = [&] {
    using namespace fastnn;
    trainer = std::make_unique<Trainer>(
        kInputs,
        std::vector<TrainedLayer<float>>{dense_layer(kUnits, first.data(), nullptr, Activation::tanh),
                                         dense_layer(1, second.data())},
        loss_settings("mean_squared_error"),
        optimizer_settings("adam", {{"global_clipnorm", 1}, {"ema_momentum", 0.9}}));
  };
  const auto prepare_trainer = [&](std::size_t threads) {
    fastnn::set_num_threads(threads);
    x.resize(kRows * kInputs);
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i % 101) / 50 - 1;
    for (std::size_t i = 0; i < first.size(); ++i) first[i] = static_cast<float>(i % 23) / 40 - 0.25f;
    for (std::size_t i = 0; i < kRows; ++i) targets[i] = x[i * kInputs];
    build_trainer();
  };
  const auto step = [&] { loss = trainer->step({x.data(), kRows, kInputs}, {targets.data(), kRows, 1}, 0.001); };
  double* const losses = shared<double>(kSteps);
  CHECK(status_of_child([&] {
          prepare_trainer(1);
          for (std::size_t i = 0; i < kSteps; ++i) step(), losses[i] = loss;
        }) == 0);
  const auto check_loss = [&] { CHECK(trainer->batches() <= kSteps && loss == losses[trainer->batches() - 1]); };
  const auto all_of_a_trainer = [&] {
    build_trainer();
    step();
    Trainer other = std::move(*trainer);
    other.set_state(other.state());
    other.set_weights(0, other.weights(0));
    fastnn::Batches<float> batch;
    batch.x = {x.data(), kRows, kInputs}, batch.y = {targets.data(), kRows, 1}, batch.rows = kRows;
    std::vector<std::map<std::string, std::vector<float>>> gradients;
    other.gradients(batch, gradients);
    std::vector<float> outputs(kRows);
    other.evaluate(batch.x, outputs.data());
    CHECK(other.network().units() == 1);
    *trainer = std::move(other);
    step();
  };
  const Operation operations[] = {
      {"load", nothing, load, nothing},
      {"a wrong file", nothing, [&] { expect<fastnn::ModelFormatError>([&] { fastnn::load_model(wrong); }); }, nothing},
      {"no file", nothing, [&] { expect<fastnn::FileError>([&] { fastnn::load_model(folder + "/none"); }); }, nothing},
      {"build", load, build, nothing},
      {"forward on one thread", [&] { prepare(1); }, forward, check_answer},
      {"forward on four", [&] { prepare(4); }, forward, check_answer, 4},
      {"representations", [&] { prepare(4); }, [&] { network->representations(rows(), outputs.data()); }, check_answer,
       4},
      {"Model", [] { fastnn::set_num_threads(1); },
       [&] {
         const auto model = fastnn::Model::load(path);
         x.resize(kRows * model.inputs(), 1.0f);
         y.resize(kRows * model.outputs());
         model.predict(x.data(), kRows, y.data());
         CHECK(!model.fingerprint().empty());
         auto prepared = model.prepare(kRows);
         CHECK(prepared.predict(x.data(), kRows, y.data()));
       },
       nothing},
      {"save",
       [&] {
         load();
         save();
       },
       save, check_folder},
      {"build a trainer", [&] { prepare_trainer(1); }, build_trainer, nothing},
      {"step on one thread", [&] { prepare_trainer(1); }, step, check_loss},
      {"step on four", [&] { prepare_trainer(4); }, step, check_loss, 4},
      {"all of a trainer", [&] { prepare_trainer(1); }, all_of_a_trainer, check_loss},
      {"first choices", nothing,
       [] {
         fastnn::num_threads();
         fastnn::isa();
       },
       nothing},
      {"wrong choices", nothing,
       [] {
         expect<fastnn::Error>([] { fastnn::set_isa("none"); });
         expect<fastnn::Error>([] { fastnn::set_num_threads(0); });
         expect<fastnn::Error>([] { fastnn::activation_row("none"); });
         expect<fastnn::Error>(
             [] { fastnn::Network<float>(1, {fastnn::activation_layer<float>(2, fastnn::Activation::relu)}); });
       },
       nothing},
  };
  for (const bool and_all_later : {false, true})
    for (const Operation& operation : operations) fail_each_allocation(operation, and_all_later);
}
