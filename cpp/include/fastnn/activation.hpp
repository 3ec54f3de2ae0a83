// What a layer may do to its sums, or to its inputs where it has no kernel.
#pragma once

#include <cstdint>

namespace fastnn {

enum class Activation : std::uint8_t {
  linear,        // x
  relu,          // 0 where x < 0, else x
  tanh,          // (e^x - e^-x) / (e^x + e^-x)
  sigmoid,       // 1 / (1 + e^-x)
  softmax,       // e^x / sum of e^x over the layer's units
  step,          // 1 where x >= 0, else 0
  relu6,         // 0 where x < 0, 6 where x > 6, else x
  hard_tanh,     // -1 where x < -1, 1 where x > 1, else x
  hard_sigmoid,  // relu6(x + 3) / 6, as in Keras 3 and PyTorch
  softsign,      // x / (1 + |x|)
  leaky_relu,    // negative_slope · x where x < 0, else x
  clip,          // minimum where x < minimum, maximum where x > maximum, else x

  // Layers of their own, which have numbers for each unit: their Layer's scale and shift.
  prelu,                // scale · x where x < 0, else x
  affine,               // scale · x + shift
  layer_normalization,  // (x - mean) / sqrt(variance + epsilon) · scale + shift; mean and variance of the row
};

}  // namespace fastnn
