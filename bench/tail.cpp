// Measures how much the time of a call varies, for real-time code. Prints percentiles of a million one-row calls of
// prepared networks, and for each activation the slowdown for inputs that are subnormal, NaN or huge.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fastnn/fastnn.hpp>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "networks.hpp"

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// Its weights stay in the level 1 cache; those of the larger networks do not.
const Shape kSmall{"small 8-16-16-1 tanh", {8, 16, 16, 1}, fastnn::Activation::tanh};

// `even` is the fraction of undisturbed stretches. A stretch is 1000 calls; it is undisturbed if at least 999 of them
// take at most 1.5 times the overall median.
struct Percentiles {
  explicit Percentiles(const std::vector<double>& times) {
    std::vector<double> sorted = times;
    std::sort(sorted.begin(), sorted.end());
    const auto at = [&](double share) {
      return 1e9 * sorted[static_cast<std::size_t>(share * double(sorted.size() - 1))];
    };
    p50 = at(0.5), p99 = at(0.99), p999 = at(0.999), longest = at(1);
    const auto is_long = [this](double time) { return 1e9 * time > 1.5 * p50; };
    const std::size_t stretches = times.size() / 1000;
    for (std::size_t i = 0; i < stretches; ++i) {
      const auto first = times.begin() + std::ptrdiff_t(1000 * i);
      if (std::count_if(first, first + 1000, is_long) <= 1) even += 1.0 / double(stretches);
    }
  }
  double p50, p99, p999, longest, even = 0;
};

// Runs `count` multiply-adds on numbers in the level 1 cache. As with a call, another thread on the same core slows it
// down.
float plain_loop(std::size_t count) {
  static float x[1024], y[1024];
  for (std::size_t done = 0; done < count; done += std::size(x))
    for (std::size_t i = 0; i < std::min(count - done, std::size(x)); ++i) y[i] = y[i] * 0.5f + x[i];
  return y[0];
}

// Prints the p50, p99, p99.9 and maximum of the time of a call. A plain loop of the same length, run in turns with the
// calls, shows how much of the variation comes from the machine.
void print_percentiles(const Shape& shape, std::size_t calls) {
  fastnn::Prepared<float> prepared(std::make_shared<const fastnn::Network<float>>(Description(shape).network()), 1);
  std::vector<float> x(shape.sizes.front(), 0.5f), y(shape.sizes.back());
  std::vector<double> times, loops;
  volatile double kept;
  const auto timed = [&](double& time, const auto& work) {
    const auto start = Clock::now();
    work();
    time = seconds_since(start);
  };
  const auto call = [&] { (void)prepared.predict(x.data(), 1, y.data()); };
  std::size_t length = 1000;
  const auto take_turns = [&] {
    for (std::size_t i = 0; i < times.size(); ++i) {
      timed(times[i], call);
      timed(loops[i], [&] { kept = plain_loop(length); });
    }
  };
  for (int round = 0; round < 5; ++round) {  // adjust the loop until both take equally long
    times.resize(calls / 100), loops.resize(calls / 100);
    take_turns();
    length = static_cast<std::size_t>(double(length) * Percentiles(times).p50 / Percentiles(loops).p50);
  }
  times.resize(calls), loops.resize(calls);
  take_turns();
  const Percentiles found(times), machine(loops);
  std::printf("%-26s %6.0f %6.0f %6.0f %9.0f %10.2f %6.2f %10.0f %10.2f %6.2f\n", shape.name, found.p50, found.p99,
              found.p999, found.longest, found.p999 / found.p50, found.even, machine.p50, machine.p999 / machine.p50,
              machine.even);
}

template <class T>
struct Kind {
  const char* name;
  T size;
};

template <class T>
const Kind<T> kKinds[] = {{"normal", T{1}},
                          {"subnormal", std::numeric_limits<T>::min() / 16},
                          {"NaN", std::numeric_limits<T>::quiet_NaN()},
                          {"huge", std::numeric_limits<T>::max() / 2}};

// Returns the least time of a call for each kind of input. The kinds take turns, so that all see the same machine.
template <class T>
std::vector<double> times_of_kinds(fastnn::Prepared<T>& prepared, std::size_t width, std::size_t rows) {
  std::vector<std::vector<T>> inputs;
  for (const Kind<T>& kind : kKinds<T>) {
    inputs.push_back(kernel<T>(rows, width));  // numbers of both signs
    for (T& x : inputs.back()) x = x * static_cast<T>(rows) / 2 * kind.size;
  }
  std::vector<T> y(rows * width);
  std::vector<double> least(inputs.size(), 1);
  for (int round = 0; round < 100; ++round)
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const int calls = static_cast<int>(1 + 64 / rows);
      const auto start = Clock::now();
      for (int call = 0; call < calls; ++call) (void)prepared.predict(inputs[i].data(), rows, y.data());
      least[i] = std::min(least[i], seconds_since(start) / calls);
    }
  return least;
}

// Prints the time of a network of two layers with this activation, and the slowdown of each kind of input. Returns the
// largest slowdown.
template <class T>
double print_kinds(const fastnn::ActivationRow& row, std::size_t rows) {
  constexpr std::size_t kWidth = 64;
  const std::vector<T> weights = kernel<T>(kWidth, kWidth), bias = kernel<T>(2, kWidth);
  const fastnn::Parameters parameters = {0.1, 0.5};
  const std::vector<fastnn::Layer<T>> layers(
      2, fastnn::dense_layer(kWidth, weights.data(), bias.data(), row.activation, parameters));
  fastnn::Prepared<T> prepared(std::make_shared<const fastnn::Network<T>>(kWidth, layers), rows);
  const std::vector<double> times = times_of_kinds(prepared, kWidth, rows);
  std::printf("%-14s %-8s %5zu %10.0f", row.name, fastnn::dtype_name(fastnn::kDtype<T>), rows, 1e9 * times[0]);
  for (std::size_t i = 1; i < times.size(); ++i) std::printf(" %10.2f", times[i] / times[0]);
  std::printf("\n");
  return *std::max_element(times.begin(), times.end()) / times[0];
}

}  // namespace

// Usage: tail [calls, at least 1000, default a million]
int main(int argc, char** argv) {
  const std::size_t calls = argc > 1 ? std::max(1000ul, std::stoul(argv[1])) : 1'000'000;
  std::printf("%-26s %6s %6s %6s %9s %10s %6s %10s %10s %6s\n", "one row, ns", "p50", "p99", "p99.9", "longest",
              "p99.9/p50", "even", "loop, p50", "p99.9/p50", "even");
  for (const Shape& shape : {kSmall, kShapes[0], kShapes[1]}) print_percentiles(shape, calls);

  std::printf("\n%-14s %-8s %5s %10s", "activation", "dtype", "rows", "normal, ns");
  for (std::size_t i = 1; i < std::size(kKinds<float>); ++i) std::printf(" %10s", kKinds<float>[i].name);
  std::printf("   times as long\n");
  double most = 0;
  for (const fastnn::ActivationRow& row : fastnn::kActivations)
    for (const std::size_t rows : {1, 32}) {
      most = std::max(most, print_kinds<float>(row, rows));
      most = std::max(most, print_kinds<double>(row, rows));
    }
  std::printf("at most %.2f times as long\n", most);
}
