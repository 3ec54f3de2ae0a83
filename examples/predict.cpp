// A model file in C++: prints the outputs of examples/digits.safetensors for one row, 0, 1, 2, …
//
//   cmake -S . -B build -DFASTNN_BENCH=ON && cmake --build build && build/examples/predict examples/digits.safetensors
#include <cstdio>
#include <exception>
#include <fastnn/model.hpp>
#include <numeric>

int main(int argc, char** argv) try {
  const fastnn::Model model = fastnn::load_model(argc > 1 ? argv[1] : "examples/digits.safetensors");
  const fastnn::Network<float> network = fastnn::build_network<float>(model);

  std::vector<float> x(network.inputs()), y(network.units());
  std::iota(x.begin(), x.end(), 0.0f);
  network.forward({x.data(), 1, static_cast<std::ptrdiff_t>(x.size())}, y.data());
  for (const float each : y) std::printf("%.9g\n", static_cast<double>(each));
} catch (const std::exception& error) {
  std::fprintf(stderr, "predict: %s\n", error.what());
  return 2;
}
