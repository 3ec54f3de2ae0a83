// A network's fingerprint: SHA-256 of what decides its answers, as docs/model-format.md spells it out.
#include <algorithm>
#include <string>

#include "packed_network.hpp"
#include "sha256.hpp"

namespace fastnn {
namespace {

// (inputs, units), row by row, out of where pack() in network.cpp has put it.
template <class T>
void add_kernel(Sha256& digest, const PackedLayer<T>& layer) {
  constexpr std::size_t P = kPanelUnits<T>;
  const bool by_unit = layer.chains == kMostChains;
  const std::size_t step = by_unit ? 1 : P;  // units whose weights for an input lie side by side
  for (std::size_t k = 0; k < layer.inputs; ++k)
    for (std::size_t n = 0; n < layer.units; n += step) {
      const std::size_t width = std::min(step, layer.units - n);
      const std::size_t at = by_unit ? n * pad_to_chains(layer.inputs) + k : n * layer.inputs + k * width;
      digest.add(layer.weights + at, width * sizeof(T));
    }
}

}  // namespace

template <class T>
std::string Network<T>::fingerprint() const {
  Sha256 digest;
  const auto add_line = [&](const std::string& line) { digest.add((line + "\n").data(), line.size() + 1); };
  add_line("fastnn " + std::to_string(kNumericsVersion) + " " + dtype_name(kDtype<T>) + " " + std::to_string(inputs()));
  for (const PackedLayer<T>& layer : packed_->layers) {
    const char* kind = layer.weights != nullptr ? "dense" : "plain";
    add_line(std::string(kind) + " " + std::to_string(layer.units) + " " + activation_name(layer.activation));
    digest.add(layer.parameters, sizeof layer.parameters);
    if (layer.weights != nullptr) add_kernel(digest, layer);
    for (const T* numbers : {layer.weights != nullptr ? layer.bias : nullptr, layer.scale, layer.shift})
      if (numbers != nullptr) digest.add(numbers, layer.units * sizeof(T));
  }
  return digest.hex();
}

template std::string Network<float>::fingerprint() const;
template std::string Network<double>::fingerprint() const;

}  // namespace fastnn
