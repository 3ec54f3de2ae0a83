// For test_emulated.py: `answers X MODEL…` writes the outputs of model files as raw numbers. It reads raw rows from
// X.float32 and X.float64. For each model it writes the outputs of every layer for all rows, then those of the last
// layer for three rows.
#include <cstdio>
#include <exception>
#include <fstream>
#include <iterator>
#include <string>

#include "fastnn/model_file.hpp"

namespace {

void write(const void* data, std::size_t size) { std::fwrite(data, 1, size, stdout); }

template <class T>
void answer(const fastnn::ModelFile& model, const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::vector<char> bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const T* x = reinterpret_cast<const T*>(bytes.data());
  const fastnn::Network<T> network = fastnn::build_network<T>(model);
  const std::size_t rows = bytes.size() / sizeof(T) / network.inputs();
  const auto stride = static_cast<std::ptrdiff_t>(network.inputs());

  std::vector<std::vector<T>> y;
  std::vector<T*> outputs;
  for (std::size_t i = 0; i < network.layers(); ++i) y.emplace_back(rows * network.units(i));
  for (std::vector<T>& each : y) outputs.push_back(each.data());
  network.representations({x, rows, stride}, outputs.data());
  for (const std::vector<T>& each : y) write(each.data(), each.size() * sizeof(T));

  std::vector<T> few(3 * network.units());
  network.forward({x, 3, stride}, few.data());
  write(few.data(), few.size() * sizeof(T));
}

}  // namespace

int main(int argc, char** argv) try {
  for (int i = 2; i < argc; ++i) {
    const fastnn::ModelFile model = fastnn::load_model(argv[i]);
    if (model.architecture->dtype == fastnn::Dtype::float32)
      answer<float>(model, std::string(argv[1]) + ".float32");
    else
      answer<double>(model, std::string(argv[1]) + ".float64");
  }
} catch (const std::exception& error) {
  std::fprintf(stderr, "answers: %s\n", error.what());
  return 2;
}
