// Goes on training a model with new rows, as a device that learns from its user does: pixels and a digit, 65 numbers
// each, from standard input. Prints the loss of each pass, then how many digits are right before and after.
//
//   cmake -S examples/cpp -B build/digits -Dfastnn_DIR="$(python -m fastnn --cmake-dir)" && cmake --build build/digits
//   tail -n +2 examples/digits.csv | tr , ' ' | build/digits/on_device examples/digits.safetensors
#include <algorithm>
#include <cstdio>
#include <exception>
#include <fastnn/model_file.hpp>
#include <fastnn/trainer.hpp>
#include <iostream>
#include <iterator>
#include <vector>

constexpr std::size_t kPixels = 64, kDigits = 10, kColumns = kPixels + 1, kBatch = 32;

std::size_t right_answers(fastnn::Trainer<float>& trainer, const std::vector<float>& table) {
  const std::size_t rows = table.size() / kColumns;
  std::vector<float> y(rows * kDigits);
  trainer.evaluate({table.data(), rows, kColumns}, y.data());
  std::size_t right = 0;
  for (std::size_t r = 0; r < rows; ++r) {
    const float* row = y.data() + r * kDigits;
    right += std::max_element(row, row + kDigits) - row == static_cast<std::ptrdiff_t>(table[r * kColumns + kPixels]);
  }
  return right;
}

int main(int argc, char** argv) try {
  if (argc != 2) throw fastnn::Error("expected 1 argument, the model; received " + std::to_string(argc - 1));
  const fastnn::ModelFile file = fastnn::load_model(argv[1]);
  const std::vector<fastnn::Layer<float>> layers = fastnn::build_layers<float>(file);
  fastnn::Trainer<float> trainer(kPixels, {layers.begin(), layers.end()},
                                 fastnn::loss_settings("sparse_categorical_crossentropy"),
                                 fastnn::optimizer_settings("adam"));

  const std::vector<float> table{std::istream_iterator<float>(std::cin), {}};
  const std::size_t rows = table.size() / kColumns;
  const std::size_t before = right_answers(trainer, table);
  for (int pass = 1; pass <= 5; ++pass) {
    double loss = 0;
    for (std::size_t first = 0; first < rows; first += kBatch) {
      const std::size_t count = std::min(kBatch, rows - first);
      const float* x = table.data() + first * kColumns;
      loss += trainer.step({x, count, kColumns}, {x + kPixels, count, kColumns}, 0.001) * static_cast<double>(count);
    }
    std::printf("pass %d: loss %.4f\n", pass, loss / static_cast<double>(rows));
  }
  std::printf("right: %zu of %zu before, %zu after\n", before, rows, right_answers(trainer, table));
} catch (const std::exception& error) {
  std::fprintf(stderr, "on_device: %s\n", error.what());
  return 2;
}
