// Pseudo-random networks, the same for a seed on every CPU, with their expected outputs. The outputs are computed row
// by row: each sum by the scalar reference, each activation as a network of its own. forward() must give the same bits.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "../../cpp/core/reference.hpp"
#include "fastnn/isa.hpp"
#include "fastnn/network.hpp"

namespace drawn {

// Sizes around which tiles, panels, vectors and the number of chains change, for every instruction set.
constexpr std::size_t kUnits[] = {1,  2,  3,  4,  5,  7,  8,  9,  12, 13, 15, 16, 17,  23,  24,  25,
                                  31, 32, 33, 47, 48, 49, 63, 64, 65, 66, 80, 97, 100, 128, 129, 200};
constexpr std::size_t kInputs[] = {1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 31, 33, 64, 100, 128, 129, 257};
constexpr std::size_t kMostRows = 70;

// splitmix64 (S. Vigna). The distributions of std differ between standard libraries.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(next() % n); }
  template <class U, std::size_t N>
  U among(const U (&choices)[N]) {
    return choices[below(N)];
  }

 private:
  std::uint64_t state_;
};

enum class Kind { usual, subnormal, every_magnitude, huge, special };

// `usual` numbers are multiples of 2^-23 in [-1, 1). Of `special` numbers, one in eight is zero, an infinity, NaN or at
// a limit of the format, and the others are usual.
template <class T>
T number(Random& random, Kind kind) {
  using Limits = std::numeric_limits<T>;
  const T usual = static_cast<T>(static_cast<std::int64_t>(random.next() >> 40) - (1 << 23)) / T(1 << 23);
  const T specials[] = {T(0),          T(-0.0),        Limits::infinity(), -Limits::infinity(),  Limits::quiet_NaN(),
                        Limits::max(), -Limits::max(), Limits::min(),      Limits::denorm_min(), -Limits::quiet_NaN()};
  switch (kind) {
    case Kind::usual: return usual;
    case Kind::subnormal: return usual * Limits::min();
    case Kind::every_magnitude: {
      const auto exponents = static_cast<std::size_t>(Limits::max_exponent - Limits::min_exponent);
      return std::scalbn(usual, static_cast<int>(random.below(exponents)) + Limits::min_exponent);
    }
    case Kind::huge: return usual * Limits::max();
    case Kind::special: return random.below(8) == 0 ? random.among(specials) : usual;
  }
  return usual;
}

template <class T>
std::vector<T> numbers(Random& random, std::size_t count, Kind kind) {
  std::vector<T> result(count);
  for (T& each : result) each = number<T>(random, kind);
  return result;
}

inline Kind mostly_usual(Random& random) { return random.below(2) == 0 ? Kind::usual : Kind(random.below(5)); }

template <class T>
struct Layer {
  fastnn::LayerKind kind;
  fastnn::Activation activation;
  std::size_t inputs, units;
  fastnn::Parameters parameters;
  std::map<std::string, std::vector<T>> weights;

  bool has_kernel() const { return weights.count("kernel") > 0; }

  // A view for fastnn.
  fastnn::Layer<T> whole() const {
    fastnn::Layer<T> view{kind, units, activation, parameters, {}};
    for (const auto& [name, numbers] : weights) view.weights[name] = numbers.data();
    return view;
  }
  // The layer, or a Dense layer's activation alone.
  fastnn::Layer<T> without_kernel() const {
    return has_kernel() ? fastnn::activation_layer<T>(units, activation, parameters) : whole();
  }
  // A weight for each unit; its initial numbers if the layer does without it.
  std::vector<T> of_units(const std::string& name) const {
    const auto found = weights.find(name);
    if (found != weights.end()) return found->second;
    for (const fastnn::WeightRow& weight : fastnn::layer_row(kind).weights)
      if (weight.name != nullptr && weight.name == name) return std::vector<T>(units, static_cast<T>(weight.initial));
    return {};
  }
};

template <class T>
Layer<T> layer(Random& random, std::size_t inputs, std::size_t units) {
  std::vector<const fastnn::LayerRow*> others;  // with weights for each unit, and so no kernel
  for (const fastnn::LayerRow& row : fastnn::kLayers)
    if (!row.has_activation) others.push_back(&row);
  const std::size_t choice = random.below(fastnn::kActivationCount + others.size());
  const fastnn::Parameters parameters[] = {{0.25, 0.75}, {0.01, 3}, {1.7, 2}};
  Layer<T> result = {{}, {}, inputs, units, random.among(parameters), {}};
  if (choice >= fastnn::kActivationCount) {
    const fastnn::LayerRow& row = *others[choice - fastnn::kActivationCount];
    result.kind = row.kind;
    result.units = inputs;
    for (const fastnn::WeightRow& weight : row.weights)
      if (weight.name != nullptr) result.weights[weight.name] = numbers<T>(random, inputs, mostly_usual(random));
    return result;
  }
  result.kind = fastnn::LayerKind::dense;
  result.activation = fastnn::kActivations[choice].activation;
  result.weights["kernel"] = numbers<T>(random, inputs * units, mostly_usual(random));
  if (random.below(4) > 0) result.weights["bias"] = numbers<T>(random, units, mostly_usual(random));
  return result;
}

// Returns the layers of the network with this seed. Consecutive seeds go through all pairs of inputs and units of the
// first layer, in mixed order.
template <class T>
std::vector<Layer<T>> layers(Random& random, std::uint64_t seed) {
  constexpr std::size_t pairs = std::size(kInputs) * std::size(kUnits), step = 197;  // coprime
  const std::size_t pair = seed % pairs * step % pairs;
  std::size_t inputs = kInputs[pair % std::size(kInputs)], units = kUnits[pair / std::size(kInputs)];
  std::vector<Layer<T>> result;
  for (std::size_t depth = 1 + random.below(4); depth > 0; --depth) {
    result.push_back(layer<T>(random, inputs, units));
    inputs = result.back().units;
    units = result.back().has_kernel() ? random.among(kUnits) : units;
  }
  return result;
}

// Returns the outputs of a layer for the rows of x, one at a time. Activations run on the instruction set in use.
template <class T>
std::vector<T> reference(const Layer<T>& layer, const std::vector<T>& x) {
  const fastnn::Network<T> activation(layer.units, {layer.without_kernel()});
  const std::vector<T> bias = layer.has_kernel() ? layer.of_units("bias") : std::vector<T>();
  std::vector<T> sums(layer.units), y(x.size() / layer.inputs * layer.units);
  for (std::size_t row = 0; row < x.size() / layer.inputs; ++row) {
    const T* from = &x[row * layer.inputs];
    if (layer.has_kernel()) {
      fastnn::reference_dense(layer.inputs, layer.units, layer.weights.at("kernel").data(), bias.data(), from,
                              sums.data());
      from = sums.data();
    }
    activation.forward({from, 1, static_cast<std::ptrdiff_t>(layer.units)}, &y[row * layer.units]);
  }
  return y;
}

// Rows in memory, in one of eight layouts.
template <class T>
class Placed {
 public:
  Placed(const std::vector<T>& x, std::size_t rows, std::size_t columns, std::size_t way) : memory_(1) {
    const auto r = static_cast<std::ptrdiff_t>(rows), c = static_cast<std::ptrdiff_t>(columns);
    const std::ptrdiff_t strides[][2] = {{c, 1},  {1, r},  {c + 3, 1},     {1, r + 3},
                                         {-c, 1}, {c, -1}, {3 * c + 1, 3}, {2, 2 * r + 1}};
    const auto [row, column] = strides[way % 8];
    rows_ = {nullptr, rows, row, column};
    if (rows == 0) return;
    const std::ptrdiff_t to_last_row = row * (r - 1), to_last_column = column * (c - 1);
    const std::ptrdiff_t first = (row < 0 ? -to_last_row : 0) + (column < 0 ? -to_last_column : 0);
    memory_.resize(static_cast<std::size_t>(1 + std::abs(to_last_row) + std::abs(to_last_column)));
    for (std::ptrdiff_t i = 0; i < r; ++i)
      for (std::ptrdiff_t j = 0; j < c; ++j)
        memory_[static_cast<std::size_t>(first + i * row + j * column)] = x[static_cast<std::size_t>(i * c + j)];
    rows_.data = memory_.data() + first;
  }
  fastnn::Rows<T> rows() const { return rows_; }

 private:
  std::vector<T> memory_;
  fastnn::Rows<T> rows_;
};

template <class T>
class Network {
 public:
  explicit Network(std::uint64_t seed) : Network(Random(seed), seed) {}

  // Returns whether the outputs of the first `rows` rows have the expected bits. Ways 0 to 7 are the layouts of x for
  // forward(); 8 to 15 are the same layouts for representations(), which checks every layer.
  bool answers(std::size_t rows, std::size_t way) const {
    const Placed<T> x(x_, rows, layers_[0].inputs, way);
    std::vector<std::vector<T>> y;
    std::vector<T*> outputs;
    for (const Layer<T>& layer : layers_) y.emplace_back(rows * layer.units);
    for (std::vector<T>& each : y) outputs.push_back(each.data());
    if (way < 8) {
      network_.forward(x.rows(), outputs.back());
      return has_bits(y.back(), expected_.back());
    }
    network_.representations(x.rows(), outputs.data());
    bool same = true;
    for (std::size_t i = 0; i < y.size(); ++i) same = same && has_bits(y[i], expected_[i]);
    return same;
  }

  // The outputs of each layer for kMostRows rows.
  const std::vector<std::vector<T>>& expected() const { return expected_; }

 private:
  Network(Random random, std::uint64_t seed) : layers_(drawn::layers<T>(random, seed)), network_(built(layers_)) {
    for (std::size_t row = 0; row < kMostRows; ++row) {
      const std::vector<T> x = numbers<T>(random, layers_[0].inputs, mostly_usual(random));
      x_.insert(x_.end(), x.begin(), x.end());
    }
    for (const Layer<T>& layer : layers_)
      expected_.push_back(reference(layer, expected_.empty() ? x_ : expected_.back()));
  }

  static fastnn::Network<T> built(const std::vector<Layer<T>>& layers) {
    std::vector<fastnn::Layer<T>> all;
    for (const Layer<T>& each : layers) all.push_back(each.whole());
    return {layers[0].inputs, all};
  }
  static bool has_bits(const std::vector<T>& y, const std::vector<T>& expected) {
    return y.empty() || std::memcmp(y.data(), expected.data(), y.size() * sizeof(T)) == 0;
  }

  std::vector<Layer<T>> layers_;
  fastnn::Network<T> network_;
  std::vector<T> x_;
  std::vector<std::vector<T>> expected_;
};

}  // namespace drawn
