// The activations: the table that the kernels, layers, files, Python, importers and exporters read.
//
// docs/architecture.md lists what else a new one needs ("Where to change what"). Tests name what is missing.
#pragma once

#include <cstddef>
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
  exponential,   // e^x
  elu,           // alpha · (e^x - 1) where x < 0, else x
  celu,          // alpha · (e^(x / alpha) - 1) where x < 0, else x
  selu,          // 1.0507… · elu(x) with alpha = 1.6732…
  silu,          // x / (1 + e^-x), also called swish
  hard_swish,    // x · hard_sigmoid(x), also called hard_silu
  softplus,      // log(1 + e^x)
  mish,          // x · tanh(softplus(x))
  gelu,          // x · (1 + erf(x / sqrt 2)) / 2
  gelu_tanh,     // x · (1 + tanh(sqrt(2 / pi) · (x + 0.044715 x³))) / 2, close to gelu
  log_softmax,   // x - log(sum of e^x over the layer's units)
  end,           // no activation: how many there are
};
constexpr int kActivationCount = static_cast<int>(Activation::end);

// The values that a parameter may have. `fraction` is from 0 to 1, `below_1` from 0 to below 1. `minimum` and `maximum`
// may be infinite, but not the wrong way round.
enum class Domain : std::uint8_t { finite, positive, not_negative, fraction, below_1, minimum, maximum };

// A parameter of an activation, a layer, a loss or an optimizer; flags are 0 or 1. A minimum or maximum has no default.
struct Parameter {
  const char* name = nullptr;  // null: there are no more
  Domain domain = Domain::finite;
  double initial = 0;  // its default
};
constexpr std::size_t kMostParameters = 2;

enum class Applies : std::uint8_t { to_each_unit, to_whole_rows };

// What training computes the derivative from: the output, or also the sum that the activation was applied to. Outputs
// alone take less memory, but silu has the same output at two places. `nothing`: the derivative is 0.
enum class DerivativeFrom : std::uint8_t { output, sum, nothing };

struct ActivationRow {
  Activation activation;
  const char* name;
  DerivativeFrom derivative_from = DerivativeFrom::output;
  Applies applies = Applies::to_each_unit;
  Parameter parameters[kMostParameters] = {};
};

constexpr ActivationRow kActivations[kActivationCount] = {
    {Activation::linear, "linear"},
    {Activation::relu, "relu"},
    {Activation::tanh, "tanh"},
    {Activation::sigmoid, "sigmoid"},
    {Activation::softmax, "softmax", DerivativeFrom::output, Applies::to_whole_rows},
    {Activation::step, "step", DerivativeFrom::nothing},
    {Activation::relu6, "relu6"},
    {Activation::hard_tanh, "hard_tanh"},
    {Activation::hard_sigmoid, "hard_sigmoid"},
    {Activation::softsign, "softsign"},
    {Activation::leaky_relu,
     "leaky_relu",
     DerivativeFrom::sum,
     Applies::to_each_unit,
     {{"negative_slope", Domain::finite, 0.2}}},
    {Activation::clip,
     "clip",
     DerivativeFrom::output,
     Applies::to_each_unit,
     {{"minimum", Domain::minimum}, {"maximum", Domain::maximum}}},
    {Activation::exponential, "exponential"},
    {Activation::elu, "elu", DerivativeFrom::sum, Applies::to_each_unit, {{"alpha", Domain::finite, 1}}},
    {Activation::celu, "celu", DerivativeFrom::output, Applies::to_each_unit, {{"alpha", Domain::positive, 1}}},
    {Activation::selu, "selu"},
    {Activation::silu, "silu", DerivativeFrom::sum},
    {Activation::hard_swish, "hard_swish", DerivativeFrom::sum},
    {Activation::softplus, "softplus", DerivativeFrom::sum},
    {Activation::mish, "mish", DerivativeFrom::sum},
    {Activation::gelu, "gelu", DerivativeFrom::sum},
    {Activation::gelu_tanh, "gelu_tanh", DerivativeFrom::sum},
    {Activation::log_softmax, "log_softmax", DerivativeFrom::output, Applies::to_whole_rows},
};

// static: each of the kernels' objects has its own, as in chains.hpp.
static constexpr bool rows_follow_enumerators() {
  for (int i = 0; i < kActivationCount; ++i)
    if (static_cast<int>(kActivations[i].activation) != i) return false;
  return true;
}
static_assert(rows_follow_enumerators(), "expected a row of kActivations for each Activation, in their order");

static constexpr bool takes_whole_rows(Activation activation) {
  return kActivations[static_cast<int>(activation)].applies == Applies::to_whole_rows;
}

// Returns whether training must keep the sums of a layer with this activation, besides its outputs.
static constexpr bool needs_sum(Activation activation) {
  return kActivations[static_cast<int>(activation)].derivative_from == DerivativeFrom::sum;
}

}  // namespace fastnn
