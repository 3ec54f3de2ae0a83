// The kernel of a layer for the way back, from deltas of its outputs to those of its inputs: transposed, and packed as
// the kernel of a layer whose inputs are the units.
#pragma once

#include "copy.hpp"

namespace fastnn::FASTNN_ISA {
namespace {

// Transposes a panel of P lines. Distances that are known when this is compiled leave registers to the numbers.
template <class T>
void transpose_panel(const T* from, T* to) {
  constexpr std::size_t P = kPanelUnits<T>, L = kLanes<T>;
  for (std::size_t i = 0; i < P; i += L)
    for (std::size_t j = 0; j < P; j += L)
      transpose_square<T, true>(from + i * P + j, stride(P), to + j * P + i, stride(P), L, L);
}

// The same for a panel with fewer lines or units, for vectors of a panel. No mask: what is read beyond is not used,
// what is written beyond is written again, with the next unit or the next panel.
template <class T>
void transpose_part(const T* from, std::size_t lines, std::size_t width, T* to) {
  Vector<T> square[kLanes<T>];
#pragma GCC unroll 16
  for (std::size_t i = 0; i < kLanes<T>; ++i) square[i] = load(from + (i < lines ? i : lines - 1) * width);
  transpose<T>(square);
#pragma GCC unroll 16
  for (std::size_t j = 0; j < kLanes<T>; ++j) store(to + j * lines, square[j]);
}

// Packs the weights of some inputs, which begin at a whole panel, at `to`, for `chains` chains.
template <class T>
void transpose_kernel(const PackedLayer<T>& layer, Range inputs, int chains, T* to) {
  constexpr std::size_t P = kPanelUnits<T>;
  const std::size_t N = layer.units, count = inputs.last - inputs.first;
  if (chains == kMostChains) {  // fewer than 4 inputs, all of them: line k takes the weights of input k
    const std::size_t padded = pad_to_chains(N);
    for (std::size_t k = 0; k < count; ++k, to += padded) {
      for (std::size_t n = 0; n < padded; ++n) {
        const std::size_t panel = n / P * P, width = N - panel < P ? N - panel : P;
        const std::size_t at = layer.chains == kMostChains ? n * pad_to_chains(layer.inputs) + k
                                                           : panel * layer.inputs + k * width + (n - panel);
        to[n] = n < N ? layer.kernel[at] : T{-0.0};
      }
    }
    return;
  }
  for (std::size_t first = 0; first < count; first += P, to += P * N) {
    const std::size_t lines = count - first < P ? count - first : P, k = inputs.first + first;
    if (layer.chains == kMostChains) {
      copy_lines(layer.kernel + k, stride(pad_to_chains(layer.inputs)), to, stride(lines), N, lines);
      continue;
    }
    for (std::size_t panel = 0; panel < N; panel += P) {
      const std::size_t width = N - panel < P ? N - panel : P;
      const T* from = layer.kernel + panel * layer.inputs + k * width;
      if (lines == P && width == P)
        transpose_panel(from, to + panel * P);
      else if (width <= 4)
        for (std::size_t i = 0; i < lines; ++i)
          for (std::size_t j = 0; j < width; ++j) to[(panel + j) * lines + i] = from[i * width + j];
      else if constexpr (kLanes<T> == P)
        transpose_part(from, lines, width, to + panel * lines);
      else
        transpose_lines(from, stride(width), to + panel * lines, stride(lines), lines, width);
    }
  }
}

}  // namespace
}  // namespace fastnn::FASTNN_ISA
