// A random valid network and random rows anywhere in memory, on each instruction set and some threads: the bits of the
// slow reference. The input is a list of choices; numbers come from a generator that it seeds, for most of them matter
// little.
#include <fuzzer/FuzzedDataProvider.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "fastnn/threads.hpp"
#include "reference_network.hpp"

namespace {

using fastnn::Activation;
using fastnn::fuzz::OwnLayer;

// One below, at and one above the sizes of chains, vectors, panels and tiles.
constexpr std::size_t kSizes[] = {1,  2,  3,  4,  5,  7,  8,  9,  11, 12, 13, 15, 16,  17,  23,  24,  25,
                                  31, 32, 33, 47, 48, 49, 63, 64, 65, 95, 96, 97, 127, 128, 129, 255, 257};
// Of a call: as a rule, and where threads are to share it (cpp/core/blocks.hpp).
constexpr std::size_t kProducts = 1 << 17, kManyProducts = 9 << 20, kNumbers = 1 << 15, kManyNumbers = 1 << 19;

class Numbers {
 public:
  explicit Numbers(FuzzedDataProvider& choices)
      : random_(choices.ConsumeIntegral<std::uint32_t>()), special_(choices.ConsumeIntegral<std::uint8_t>()) {}

  // Between -2 and 2, most of them; as many special ones as were asked for, up to 1 in 16.
  template <class T>
  T next() {
    const std::uint32_t bits = random_();
    if (bits % 4096 < special_) return special<T>();
    return static_cast<T>(bits) / static_cast<T>(1u << 30) - 2;
  }
  template <class T>
  std::vector<T> several(std::size_t count) {
    std::vector<T> numbers(count);
    for (T& each : numbers) each = next<T>();
    return numbers;
  }

 private:
  template <class T>
  T special() {
    using Limits = std::numeric_limits<T>;
    const T values[] = {0,
                        T{-0.0},
                        Limits::infinity(),
                        -Limits::infinity(),
                        Limits::quiet_NaN(),
                        -Limits::quiet_NaN(),
                        Limits::denorm_min(),
                        -Limits::denorm_min(),
                        Limits::min(),
                        Limits::max(),
                        Limits::lowest(),
                        Limits::epsilon(),
                        T{88},
                        T{-104},
                        T{710},
                        T{-745}};
    return values[random_() % 16];
  }
  std::mt19937 random_;
  std::uint32_t special_;
};

std::size_t size(FuzzedDataProvider& choices) { return choices.PickValueInArray(kSizes); }

fastnn::ActivationParameters parameters(Activation activation, FuzzedDataProvider& choices) {
  constexpr double kValues[] = {0,     1,      0.25,  -0.5,  1.7, 6,   -2, 1e-3, 1e-30, 1e-46,
                                1e-310, 1e-320, 1e30, 1e300, -1e5, 1e5};
  double first = choices.PickValueInArray(kValues), second = choices.PickValueInArray(kValues);
  if (activation == Activation::clip) return {std::min(first, second), std::max(first, second)};
  if (activation == Activation::celu) first = first == 0 ? 1 : std::abs(first);
  if (activation == Activation::layer_normalization) first = std::abs(first);
  return {first, 0};
}

template <class T>
OwnLayer<T> layer(std::size_t inputs, FuzzedDataProvider& choices, Numbers& numbers) {
  const auto activation = static_cast<Activation>(
      choices.ConsumeIntegralInRange<int>(0, static_cast<int>(Activation::layer_normalization)));
  OwnLayer<T> made{inputs, inputs, activation, parameters(activation, choices)};
  const std::uint8_t parts = choices.ConsumeIntegral<std::uint8_t>();
  if (activation >= Activation::prelu) {
    made.scale = numbers.several<T>(made.units);
    if (activation != Activation::prelu && parts % 4 != 0) made.shift = numbers.several<T>(made.units);
  } else if (parts % 4 != 0) {
    made.units = size(choices);
    made.kernel = numbers.several<T>(inputs * made.units);
    if (parts % 8 != 1) made.bias = numbers.several<T>(made.units);
  }
  return made;
}

template <class T>
std::vector<OwnLayer<T>> network(FuzzedDataProvider& choices, Numbers& numbers) {
  std::vector<OwnLayer<T>> layers;
  std::size_t width = size(choices), left = choices.ConsumeIntegralInRange<std::size_t>(1, 6);
  for (; left > 0; --left) {
    layers.push_back(layer<T>(width, choices, numbers));
    width = layers.back().units;
  }
  return layers;
}

// Few as a rule, so many sometimes that threads share them; fewer where that would take long.
template <class T>
std::size_t rows(const std::vector<OwnLayer<T>>& layers, FuzzedDataProvider& choices) {
  std::size_t products = 1, widest = layers[0].inputs;
  for (const OwnLayer<T>& each : layers) {
    products += each.kernel.size();
    widest = std::max(widest, each.units);
  }
  const bool many = choices.ConsumeIntegralInRange<int>(0, 63) == 0;
  const std::size_t wanted = many ? choices.ConsumeIntegral<std::uint16_t>() : choices.ConsumeIntegralInRange(0, 140);
  return std::min({wanted, 1 + (many ? kManyProducts : kProducts) / products,
                   1 + (many ? kManyNumbers : kNumbers) / widest});
}

// Rows in memory of their own, which ends where they do.
template <class T>
class PlacedRows {
 public:
  PlacedRows(const std::vector<T>& x, std::size_t rows, std::size_t columns, FuzzedDataProvider& choices) {
    const auto height = static_cast<std::ptrdiff_t>(rows), width = static_cast<std::ptrdiff_t>(columns);
    const std::ptrdiff_t step = choices.ConsumeIntegralInRange<std::ptrdiff_t>(1, 3);
    const std::ptrdiff_t gap = choices.ConsumeIntegralInRange<std::ptrdiff_t>(0, 3);
    const std::uint8_t order = choices.ConsumeIntegral<std::uint8_t>();
    std::ptrdiff_t row_stride = width * step + gap, column_stride = step;
    if (order & 1) column_stride = height * step + gap, row_stride = step;
    const std::ptrdiff_t last_row = (height - 1) * row_stride, last_column = (width - 1) * column_stride;
    memory_.resize(rows == 0 ? 0 : static_cast<std::size_t>(last_row + last_column + 1), T{77});
    std::ptrdiff_t first = 0;
    if (order & 2) first += last_row, row_stride = -row_stride;
    if (order & 4) first += last_column, column_stride = -column_stride;
    rows_ = {memory_.data() + (rows == 0 ? 0 : first), rows, row_stride, column_stride};
    for (std::ptrdiff_t r = 0; r < height; ++r)
      for (std::ptrdiff_t c = 0; c < width; ++c)
        const_cast<T*>(rows_.data)[r * row_stride + c * column_stride] = x[static_cast<std::size_t>(r * width + c)];
  }
  fastnn::Rows<T> rows() const { return rows_; }

 private:
  std::vector<T> memory_;
  fastnn::Rows<T> rows_{};
};

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
  Numbers numbers(choices);
  const std::vector<OwnLayer<T>> layers = network<T>(choices, numbers);
  const std::size_t height = rows(layers, choices), width = layers[0].inputs;
  const std::vector<T> x = numbers.several<T>(height * width);
  const PlacedRows<T> placed(x, height, width, choices);
  fastnn::set_num_threads(choices.ConsumeIntegralInRange<std::size_t>(1, 4));
  const std::uint32_t wanted = choices.ConsumeIntegral<std::uint32_t>();  // which layers' outputs

  std::vector<fastnn::Layer<T>> views;
  for (const OwnLayer<T>& each : layers) views.push_back(each.layer());
  const fastnn::Network<T> network(width, views);
  const auto expected =
      height == 0 ? std::vector<std::vector<T>>(layers.size()) : fastnn::fuzz::reference(layers, x, height);
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
