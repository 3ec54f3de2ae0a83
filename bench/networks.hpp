// The networks that the C++ benchmarks run, in float32. Their weights keep the sums near 1, as in a trained network.
#pragma once

#include <vector>

#include "fastnn/network.hpp"

struct Shape {
  const char* name;
  std::vector<std::size_t> sizes;  // inputs, then each layer's units
  fastnn::Activation activation;   // of the hidden layers
};

inline const Shape kShapes[] = {
    {"lecture 10-100-100-1 relu", {10, 100, 100, 1}, fastnn::Activation::relu},
    {"policy 64-64-64-8 tanh", {64, 64, 64, 8}, fastnn::Activation::tanh},
    {"tabular 32-256-256-256-10 relu", {32, 256, 256, 256, 10}, fastnn::Activation::relu},
    {"mnist 784-512-512-10 relu", {784, 512, 512, 10}, fastnn::Activation::relu},
    {"wide 1024-1024-1024-1024-1024 relu", {1024, 1024, 1024, 1024, 1024}, fastnn::Activation::relu},
};

// Returns the number of weights in all kernels, which is also the multiply-adds per row.
inline std::size_t weights(const Shape& shape) {
  std::size_t count = 0;
  for (std::size_t i = 1; i < shape.sizes.size(); ++i) count += shape.sizes[i - 1] * shape.sizes[i];
  return count;
}

// Returns a kernel (inputs, units) of pseudo-random numbers in [-2 / inputs, 2 / inputs).
template <class T>
std::vector<T> kernel(std::size_t inputs, std::size_t units) {
  std::vector<T> numbers(inputs * units);
  unsigned state = 1;
  for (T& number : numbers) {
    state = state * 1664525u + 1013904223u;
    number = (static_cast<T>(state >> 8) / (1 << 23) - 1) * 2 / static_cast<T>(inputs);
  }
  return numbers;
}

// A network before it is built: its layers and the kernels that they point to.
struct Description {
  explicit Description(const Shape& shape) : inputs(shape.sizes[0]) {
    for (std::size_t i = 1; i < shape.sizes.size(); ++i) {
      kernels.push_back(kernel<float>(shape.sizes[i - 1], shape.sizes[i]));
      const bool last = i + 1 == shape.sizes.size();
      layers.push_back(fastnn::dense_layer<float>(shape.sizes[i], kernels.back().data(), nullptr,
                                                  last ? fastnn::Activation::linear : shape.activation));
    }
  }
  fastnn::Network<float> network() const { return fastnn::Network<float>(inputs, layers); }

  std::size_t inputs;
  std::vector<std::vector<float>> kernels;
  std::vector<fastnn::Layer<float>> layers;
};
