// What a layer may do to its sums.
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
};

}  // namespace fastnn
