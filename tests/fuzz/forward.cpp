// Fuzzes Network: the input chooses a valid network, rows and their layout in memory. On every instruction set, with
// one or more threads, the outputs must have the bits of the slow reference. The input only seeds the generator of most
// numbers, because their exact values matter little.
#include <fuzzer/FuzzedDataProvider.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "fastnn/threads.hpp"
#include "reference_network.hpp"

namespace {

using drawn::Kind;
using drawn::Layer;
using drawn::numbers;
using fastnn::Activation;

// Limits on the multiply-adds and the numbers of a call. The `Many` ones are large enough that threads share the call
// (cpp/core/blocks.hpp).
constexpr std::size_t kProducts = 1 << 17, kManyProducts = 9 << 20, kNumbers = 1 << 15, kManyNumbers = 1 << 19;

fastnn::Parameters parameters(const std::vector<fastnn::Parameter>& rows, FuzzedDataProvider& choices) {
  using fastnn::Domain;
  constexpr double kValues[] = {0,     1,     0.25,   -0.5,   1.7,  6,     -2,   1e-3,
                                1e-30, 1e-46, 1e-310, 1e-320, 1e30, 1e300, -1e5, 1e5};
  fastnn::Parameters values{};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    values[i] = choices.PickValueInArray(kValues);
    if (rows[i].domain == Domain::positive) values[i] = values[i] == 0 ? 1 : std::abs(values[i]);
    if (rows[i].domain == Domain::not_negative) values[i] = std::abs(values[i]);
    if (rows[i].domain == Domain::maximum && values[i] < values[i - 1]) std::swap(values[i], values[i - 1]);
  }
  return values;
}

template <class T>
Layer<T> layer(std::size_t inputs, FuzzedDataProvider& choices, drawn::Random& random) {
  const fastnn::LayerRow& row = choices.PickValueInArray(fastnn::kLayers);
  const auto activation = row.has_activation ? choices.PickValueInArray(fastnn::kActivations).activation : Activation{};
  const Kind kind = choices.PickValueInArray(
      {Kind::usual, Kind::usual, Kind::usual, Kind::subnormal, Kind::every_magnitude, Kind::huge, Kind::special});
  Layer<T> made{row.kind, activation, inputs, inputs, {}, {}};
  made.parameters = parameters(fastnn::parameters_of(row.kind, activation), choices);
  if (row.has_kernel()) made.units = choices.PickValueInArray(drawn::kUnits);
  for (const fastnn::WeightRow& weight : row.weights) {
    if (weight.name == nullptr || (weight.option != nullptr && choices.ConsumeIntegralInRange<int>(0, 3) == 0))
      continue;
    const bool is_kernel = weight.shape == fastnn::WeightShape::inputs_by_units;
    made.weights[weight.name] = numbers<T>(random, is_kernel ? inputs * made.units : made.units, kind);
  }
  return made;
}

template <class T>
std::vector<Layer<T>> network(FuzzedDataProvider& choices, drawn::Random& random) {
  std::vector<Layer<T>> layers;
  std::size_t width = choices.PickValueInArray(drawn::kInputs);
  for (auto left = choices.ConsumeIntegralInRange<std::size_t>(1, 6); left > 0; --left) {
    layers.push_back(layer<T>(width, choices, random));
    width = layers.back().units;
  }
  return layers;
}

// Returns a number of rows: usually small, sometimes large enough that threads share them, and limited by the time that
// a call may take.
template <class T>
std::size_t rows(const std::vector<Layer<T>>& layers, FuzzedDataProvider& choices) {
  std::size_t products = 1, widest = layers[0].inputs;
  for (const Layer<T>& each : layers) {
    if (each.has_kernel()) products += each.weights.at("kernel").size();
    widest = std::max(widest, each.units);
  }
  const bool many = choices.ConsumeIntegralInRange<int>(0, 63) == 0;
  const std::size_t wanted = many ? choices.ConsumeIntegral<std::uint16_t>() : choices.ConsumeIntegralInRange(0, 140);
  return std::min(
      {wanted, 1 + (many ? kManyProducts : kProducts) / products, 1 + (many ? kManyNumbers : kNumbers) / widest});
}

template <class T>
void expect_same(const std::vector<T>& found, const std::vector<T>& wanted, const std::string& what) {
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (std::memcmp(&found[i], &wanted[i], sizeof(T)) == 0) continue;
    std::fprintf(stderr, "%s, number %zu of %zu: %a; expected %a\n", what.c_str(), i, wanted.size(),
                 static_cast<double>(found[i]), static_cast<double>(wanted[i]));
    std::abort();
  }
}

template <class T>
void check(FuzzedDataProvider& choices) {
  drawn::Random random(choices.ConsumeIntegral<std::uint32_t>());
  const std::vector<Layer<T>> layers = network<T>(choices, random);
  const std::size_t height = rows(layers, choices), width = layers[0].inputs;
  const Kind kind = choices.PickValueInArray({Kind::usual, Kind::every_magnitude, Kind::special});
  const std::vector<T> x = numbers<T>(random, height * width, kind);
  const drawn::Placed<T> placed(x, height, width, choices.ConsumeIntegral<std::uint8_t>());
  fastnn::set_num_threads(choices.ConsumeIntegralInRange<std::size_t>(1, 4));
  const std::uint32_t wanted = choices.ConsumeIntegral<std::uint32_t>();  // bit i: representations() returns layer i

  std::vector<fastnn::Layer<T>> views;
  for (const Layer<T>& each : layers) views.push_back(each.whole());
  const fastnn::Network<T> network(width, views);
  const std::vector<std::vector<T>> expected = fastnn::fuzz::reference(layers, x, height);
  for (const std::string& isa : fastnn::isas()) {
    fastnn::set_isa(isa);
    std::vector<T> y(height * network.units());
    if (!network.forward(placed.rows(), y.data(), [] { return true; })) std::abort();
    expect_same(y, expected.back(), isa + ", forward");
    std::vector<std::vector<T>> every(layers.size());
    std::vector<T*> outputs(layers.size());
    for (std::size_t i = 0; i < layers.size(); ++i) {
      if ((wanted >> i & 1) == 0) continue;
      every[i].resize(height * layers[i].units);
      outputs[i] = every[i].data();
    }
    network.representations(placed.rows(), outputs.data());
    for (std::size_t i = 0; i < layers.size(); ++i)
      if (outputs[i] != nullptr) expect_same(every[i], expected[i], isa + ", layer " + std::to_string(i));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzedDataProvider choices(data, size);
  choices.ConsumeBool() ? check<float>(choices) : check<double>(choices);
  return 0;
}
