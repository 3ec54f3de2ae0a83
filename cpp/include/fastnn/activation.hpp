// What a layer may do to its sums, or to its inputs where it has no kernel.
#pragma once

#include <cstdint>

namespace fastnn {

// Softmax and all from log_softmax on take whole rows; from prelu on they are layers of their own.
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
  exponential,   // e^x
  elu,           // alpha · (e^x - 1) where x < 0, else x
  celu,          // alpha · (e^(x / alpha) - 1) where x < 0, else x; alpha > 0
  selu,          // 1.0507… · elu(x) with alpha = 1.6732…
  silu,          // x / (1 + e^-x), also called swish
  hard_swish,    // x · hard_sigmoid(x), also called hard_silu
  softplus,      // log(1 + e^x)
  mish,          // x · tanh(softplus(x))
  gelu,          // x · (1 + erf(x / sqrt 2)) / 2
  gelu_tanh,     // x · (1 + tanh(sqrt(2 / pi) · (x + 0.044715 x³))) / 2, close to it
  log_softmax,   // x - log(sum of e^x over the layer's units)

  // Layers of their own, which have numbers for each unit: their Layer's scale and shift.
  prelu,                // scale · x where x < 0, else x
  affine,               // scale · x + shift
  layer_normalization,  // (x - mean) / sqrt(variance + epsilon) · scale + shift; mean and variance of the row
};

}  // namespace fastnn
