// Measures the latency of one row without Python: p50, p99 and p99.9 of up to a million calls, as many as fit into five
// seconds. Compares p50 with a lower bound: the time to read as many bytes as the weights have, from the cache that
// holds them.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <memory>

#include "../cpp/core/machine.hpp"
#include "fastnn/threads.hpp"
#include "networks.hpp"
#include "timing.hpp"

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

double clock_cost() {
  double least = 1;
  for (int i = 0; i < 1000; ++i) least = std::min(least, seconds_since(Clock::now()));
  return least;
}

void one_row(benchmark::State& state, const Shape& shape, const fastnn::Network<float>& network) {
  std::vector<float> x(network.inputs(), 0.5f), y(network.units());
  std::vector<double> times;
  times.reserve(static_cast<std::size_t>(state.max_iterations));
  const double cost = clock_cost();
  for (auto _ : state) {
    const auto start = Clock::now();
    network.forward({x.data(), 1, static_cast<std::ptrdiff_t>(x.size())}, y.data());
    times.push_back(seconds_since(start) - cost);
    state.SetIterationTime(times.back());
  }
  std::sort(times.begin(), times.end());
  const auto percentile = [&](double p) { return times[static_cast<std::size_t>(p * double(times.size() - 1))]; };
  const double bytes = static_cast<double>(weights(shape) * sizeof(float));
  const double bandwidth = fastnn::read_bandwidth(weights(shape) * sizeof(float), 0.2);
  state.counters["p50 ns"] = percentile(0.5) * 1e9;
  state.counters["p99 ns"] = percentile(0.99) * 1e9;
  state.counters["p99.9 ns"] = percentile(0.999) * 1e9;
  state.counters["GB/s"] = bandwidth / 1e9;
  state.counters["bound ns"] = bytes / bandwidth * 1e9;
  state.counters["p50/bound"] = percentile(0.5) / (bytes / bandwidth);
}

void register_network(const Shape& shape) {
  const auto network = std::make_shared<fastnn::Network<float>>(Description(shape).network());
  std::vector<float> x(network->inputs(), 0.5f), y(network->units());
  const auto stride = static_cast<std::ptrdiff_t>(x.size());
  const double seconds = shortest_seconds([&] { network->forward({x.data(), 1, stride}, y.data()); });
  benchmark::RegisterBenchmark(shape.name, [&shape, network](benchmark::State& s) { one_row(s, shape, *network); })
      ->UseManualTime()
      ->Iterations(static_cast<benchmark::IterationCount>(std::min(1e6, 5 / seconds)));
}

}  // namespace

int main(int argc, char** argv) {
  fastnn::set_num_threads(1);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  for (const Shape& shape : kShapes) register_network(shape);
  benchmark::RunSpecifiedBenchmarks();
}
