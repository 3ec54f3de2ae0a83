// Times one layer at a time with every instruction set: dense layers in FLOP/s and in percent of the fma peak,
// activations in ns per element. It uses the public interface, so the copies of inputs and outputs count too, most of
// all for layers with few units. Example: kernels --benchmark_filter=avx2/float64
#include <benchmark/benchmark.h>

#include <ctime>

#include "../cpp/core/machine.hpp"
#include "fastnn/isa.hpp"
#include "fastnn/threads.hpp"
#include "networks.hpp"

namespace {

// Runs the network and returns the CPU time of a call in seconds. It includes other threads, but not other processes.
template <class T>
double forward(benchmark::State& state, const std::string& isa, const fastnn::Network<T>& network, std::size_t rows) {
  fastnn::set_isa(isa);
  const std::vector<T> x(rows * network.inputs(), T(0.5));
  std::vector<T> y(rows * network.units());
  const auto stride = static_cast<std::ptrdiff_t>(network.inputs());
  const std::clock_t start = std::clock();
  for (auto _ : state) {
    network.forward({x.data(), rows, stride}, y.data());
    benchmark::ClobberMemory();
  }
  return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC / static_cast<double>(state.iterations());
}

template <class T>
void dense(benchmark::State& state, const std::string& isa, double peak, std::size_t inputs, std::size_t units,
           std::size_t rows) {
  const std::vector<T> weights = kernel<T>(inputs, units);
  const double seconds = forward<T>(state, isa, {inputs, {fastnn::dense_layer(units, weights.data())}}, rows);
  const double flops = 2.0 * static_cast<double>(inputs * units * rows);
  state.counters["GFLOP/s"] = flops / seconds / 1e9;
  state.counters["% of peak"] = 100 * flops / seconds / peak;
}

template <class T>
void activation(benchmark::State& state, const std::string& isa, const fastnn::ActivationRow& row) {
  constexpr std::size_t kUnits = 64, kRows = 96;
  const double seconds =
      forward<T>(state, isa, {kUnits, {fastnn::activation_layer<T>(kUnits, row.activation, {0.25, 0.75})}}, kRows);
  state.counters["ns/element"] = 1e9 * seconds / (kUnits * kRows);
}

template <class T>
void register_all(const std::string& isa, const std::string& dtype) {
  const std::string prefix = isa + "/" + dtype + "/";
  fastnn::set_isa(isa);
  const double peak = fastnn::fma_rate<T>(0.1);
  const std::pair<std::size_t, std::size_t> shapes[] = {{100, 1},   {64, 8},    {10, 100},  {64, 64},
                                                        {100, 100}, {256, 256}, {784, 512}, {1024, 1024}};
  for (const auto& [inputs, units] : shapes)
    for (const std::size_t rows : {1, 16, 96, 960}) {
      const std::string name = std::to_string(inputs) + "x" + std::to_string(units) + "/rows " + std::to_string(rows);
      benchmark::RegisterBenchmark((prefix + name).c_str(), dense<T>, isa, peak, inputs, units, rows)
          ->MeasureProcessCPUTime();
    }
  for (const fastnn::ActivationRow& row : fastnn::kActivations)
    benchmark::RegisterBenchmark((prefix + row.name).c_str(), activation<T>, isa, row)->MeasureProcessCPUTime();
}

}  // namespace

int main(int argc, char** argv) {
  fastnn::set_num_threads(1);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  for (const std::string& isa : fastnn::isas()) {
    register_all<float>(isa, "float32");
    register_all<double>(isa, "float64");
  }
  benchmark::RunSpecifiedBenchmarks();
}
