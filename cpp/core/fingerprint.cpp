// A network's fingerprint: SHA-256 of what decides its answers, as docs/model-format.md spells it out.
#include <string>
#include <vector>

#include "packed_network.hpp"
#include "sha256.hpp"

namespace fastnn {

template <class T>
std::string Network<T>::fingerprint() const {
  Sha256 digest;
  const auto add_line = [&](const std::string& line) { digest.add((line + "\n").data(), line.size() + 1); };
  add_line("fastnn " + std::to_string(kNumericsVersion) + " " + dtype_name(kDtype<T>) + " " + std::to_string(inputs()));
  for (const PackedLayer<T>& layer : packed_->layers) {
    const LayerRow& row = layer_row(layer.kind);
    const char* kind = row.has_kernel() ? "dense" : "plain";
    const char* name = row.has_activation ? activation_name(layer.activation) : row.name;
    add_line(std::string(kind) + " " + std::to_string(layer.units) + " " + name);
    digest.add(layer.parameters, sizeof layer.parameters);
    if (layer.kernel != nullptr)
      for_each_run<T>(layer.inputs, layer.units, [&](std::size_t, std::size_t, std::size_t width, std::size_t at) {
        digest.add(layer.kernel + at, width * sizeof(T));
      });
    // A PReLU counts as one with a shift of zeros, as docs/model-format.md has it: a layer without a kernel has two
    // arrays.
    const std::vector<T> zeros(row.weights[0].name != nullptr && !row.has_kernel() ? layer.units : 0);
    for (std::size_t i = 0; i < kMostWeights; ++i) {
      const T* numbers = layer.of_units[i];
      if (numbers == nullptr && !zeros.empty() && i < 2) numbers = zeros.data();
      if (numbers != nullptr) digest.add(numbers, layer.units * sizeof(T));
    }
  }
  return digest.hex();
}

template std::string Network<float>::fingerprint() const;
template std::string Network<double>::fingerprint() const;

}  // namespace fastnn
