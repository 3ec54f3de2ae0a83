// Reads rows of pixels, 64 numbers each, from standard input and prints how likely each of the ten digits is.
//
//   cmake -S examples/cpp -B build/digits -Dfastnn_DIR="$(python -m fastnn --cmake-dir)" && cmake --build build/digits
//   tail -n +2 examples/digits.csv | cut -d, -f-64 | tr , ' ' | build/digits/digits examples/digits.safetensors
#include <cstdio>
#include <exception>
#include <fastnn/fastnn.hpp>
#include <iostream>
#include <iterator>
#include <vector>

int main(int argc, char** argv) try {
  if (argc != 2) throw fastnn::Error("expected 1 argument, the model; received " + std::to_string(argc - 1));
  const fastnn::Model model = fastnn::Model::load(argv[1]);

  const std::vector<float> x{std::istream_iterator<float>(std::cin), {}};
  if (!std::cin.eof() || x.size() % model.inputs() != 0)
    throw fastnn::Error("expected rows of " + std::to_string(model.inputs()) + " numbers on standard input");
  const std::size_t rows = x.size() / model.inputs();
  std::vector<float> y(rows * model.outputs());
  model.predict(x.data(), rows, y.data());

  for (std::size_t i = 0; i < y.size(); ++i)
    std::printf("%.9g%c", static_cast<double>(y[i]), (i + 1) % model.outputs() == 0 ? '\n' : ' ');
} catch (const std::exception& error) {
  std::fprintf(stderr, "digits: %s\n", error.what());
  return 2;
}
