// Where weight (k, n) of a kernel (inputs, units) stands in a network's memory; everything else here follows from it.
//
// 16 chains (few units): at n · pad_to_chains(inputs) + k, unit by unit, with -0 where there is no input.
// Otherwise in panels of P = kPanelUnits units: panel p holds the units p · P … p · P + width - 1, where width is P, or
// in the last panel what is left. Weight (k, p · P + n) stands at p · P · inputs + k · width + n. A panel's worth of
// readable memory follows the last.
#pragma once

#include <algorithm>
#include <cstddef>

#include "fastnn/network.hpp"
#include "kernel_table.hpp"
#include "memory.hpp"

namespace fastnn {

inline std::size_t round_up(std::size_t n, std::size_t multiple) { return (n + multiple - 1) / multiple * multiple; }

// Calls copy(k, n, width, place) for runs of weights (k, n) … (k, n + width - 1) that stand side by side at `place`,
// row by row of the kernel.
template <class T, class Copy>
void for_each_run(std::size_t inputs, std::size_t units, const Copy& copy) {
  constexpr std::size_t P = kPanelUnits<T>;
  const bool by_unit = chains_of(units) == kMostChains;
  for (std::size_t k = 0; k < inputs; ++k)
    for (std::size_t n = 0; n < units; n += by_unit ? 1 : P) {
      const std::size_t width = std::min(by_unit ? 1 : P, units - n);
      copy(k, n, width, by_unit ? n * pad_to_chains(inputs) + k : n * inputs + k * width);
    }
}

// The numbers that a packed kernel takes.
template <class T>
std::size_t packed_kernel_size(std::size_t inputs, std::size_t units) {
  if (chains_of(units) == kMostChains) return pad_to_chains(inputs) * units;
  return round_up(checked_product(inputs, units) + kPanelUnits<T>, kPanelUnits<T>);
}

// The numbers that a layer's weights take, all of its row: one that is not there is packed as its initial numbers.
template <class T>
std::size_t packed_size(const LayerRow& row, std::size_t inputs, std::size_t units) {
  std::size_t size = 0;
  for (const WeightRow& weight : row.weights)
    if (weight.name != nullptr)
      size +=
          weight.shape == WeightShape::units ? round_up(units, kPanelUnits<T>) : packed_kernel_size<T>(inputs, units);
  return size;
}

// Packs a layer's weights at `free`, which is all zeros; returns where they end.
template <class T>
T* pack(const Layer<T>& layer, PackedLayer<T>& packed, T* free) {
  std::size_t of_units = 0;
  for (const WeightRow& weight : layer_row(layer.kind).weights) {
    if (weight.name == nullptr) continue;
    const auto found = layer.weights.find(weight.name);
    const T* numbers = found == layer.weights.end() ? nullptr : found->second;
    T* place = free;
    if (weight.shape == WeightShape::units) {
      packed.of_units[of_units++] = place;
      if (numbers != nullptr)
        std::copy_n(numbers, packed.units, place);
      else
        std::fill_n(place, packed.units, static_cast<T>(weight.initial));
      free += round_up(packed.units, kPanelUnits<T>);
    } else {
      packed.kernel = place;
      free += packed_kernel_size<T>(packed.inputs, packed.units);
      if (packed.chains == kMostChains) std::fill(place, free, T{-0.0});
      for_each_run<T>(packed.inputs, packed.units,
                      [&](std::size_t k, std::size_t n, std::size_t width, std::size_t at) {
                        std::copy_n(numbers + k * packed.units + n, width, place + at);
                      });
    }
  }
  return free;
}

}  // namespace fastnn
