// Network::forward without Python: microseconds a call and GFLOP/s (two for each weight and row), float32, one thread.
#include <cstdio>
#include <string>
#include <vector>

#include "fastnn/isa.hpp"
#include "fastnn/network.hpp"
#include "timing.hpp"

namespace {

struct Shape {
  const char* name;
  std::vector<std::size_t> sizes;  // inputs, then each layer's units
  fastnn::Activation activation;   // of the hidden layers
};

const Shape kShapes[] = {
    {"lecture 10-100-100-1 relu", {10, 100, 100, 1}, fastnn::Activation::relu},
    {"policy 64-64-64-8 tanh", {64, 64, 64, 8}, fastnn::Activation::tanh},
    {"tabular 32-256-256-256-10 relu", {32, 256, 256, 256, 10}, fastnn::Activation::relu},
    {"mnist 784-512-512-10 relu", {784, 512, 512, 10}, fastnn::Activation::relu},
    {"wide 1024-1024-1024-1024-1024 relu", {1024, 1024, 1024, 1024, 1024}, fastnn::Activation::relu},
};

// Weights of both signs, around 1 / sqrt(inputs): sums stay near 1, as in a trained network.
fastnn::Network<float> build(const Shape& shape) {
  std::vector<std::vector<float>> kernels;
  std::vector<fastnn::Layer<float>> layers;
  unsigned state = 1;
  for (std::size_t i = 1; i < shape.sizes.size(); ++i) {
    kernels.emplace_back(shape.sizes[i - 1] * shape.sizes[i]);
    for (float& weight : kernels.back()) {
      state = state * 1664525u + 1013904223u;
      weight = (static_cast<float>(state >> 8) / (1 << 23) - 1) * 2 / static_cast<float>(shape.sizes[i - 1]);
    }
    const bool last = i + 1 == shape.sizes.size();
    layers.push_back({shape.sizes[i], last ? fastnn::Activation::linear : shape.activation, kernels.back().data()});
  }
  return fastnn::Network<float>(shape.sizes[0], layers);
}

void time_network(const Shape& shape, std::size_t most_rows) {
  const fastnn::Network<float> network = build(shape);
  double flops = 0;
  for (std::size_t i = 1; i < shape.sizes.size(); ++i)
    flops += 2.0 * static_cast<double>(shape.sizes[i - 1] * shape.sizes[i]);
  for (std::size_t rows = 1; rows <= most_rows; rows *= 16) {
    std::vector<float> x(rows * network.inputs(), 0.5f), y(rows * network.units());
    const auto stride = static_cast<std::ptrdiff_t>(network.inputs());
    const double seconds = shortest_seconds([&] { network.forward({x.data(), rows, stride}, y.data()); });
    std::printf("%-36s %6zu %12.2f %8.1f\n", shape.name, rows, seconds * 1e6,
                flops * static_cast<double>(rows) / seconds / 1e9);
  }
}

}  // namespace

// forward [rows at most, 4096 unless told]
int main(int argc, char** argv) {
  const std::size_t most_rows = argc > 1 ? std::stoul(argv[1]) : 4096;
  std::printf("instruction set %s\n%-36s %6s %12s %8s\n", fastnn::isa().c_str(), "network", "rows", "us", "GFLOP/s");
  for (const Shape& shape : kShapes) time_network(shape, most_rows);
}
