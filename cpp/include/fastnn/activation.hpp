// What a layer may do to its sums.
#pragma once

#include <cstdint>

namespace fastnn {

enum class Activation : std::uint8_t {
  linear,   // x
  relu,     // 0 where x < 0, else x
  tanh,     // (e^x - e^-x) / (e^x + e^-x)
  sigmoid,  // 1 / (1 + e^-x)
  softmax,  // e^x / sum of e^x over the layer's units
  step,     // 1 where x >= 0, else 0
};

}  // namespace fastnn
