// The activations' names, and those of what they are told.
#include <cstdlib>
#include <limits>

#include "fastnn/network.hpp"

namespace fastnn {
namespace {

struct Description {
  Activation activation;
  const char* name;
  const char* parameters[2] = {};  // null: there are no more
};
constexpr Description kActivations[] = {{Activation::linear, "linear"},
                                        {Activation::relu, "relu"},
                                        {Activation::tanh, "tanh"},
                                        {Activation::sigmoid, "sigmoid"},
                                        {Activation::softmax, "softmax"},
                                        {Activation::step, "step"},
                                        {Activation::relu6, "relu6"},
                                        {Activation::hard_tanh, "hard_tanh"},
                                        {Activation::hard_sigmoid, "hard_sigmoid"},
                                        {Activation::softsign, "softsign"},
                                        {Activation::leaky_relu, "leaky_relu", {"negative_slope"}},
                                        {Activation::clip, "clip", {"minimum", "maximum"}},
                                        {Activation::exponential, "exponential"},
                                        {Activation::elu, "elu", {"alpha"}},
                                        {Activation::celu, "celu", {"alpha"}},
                                        {Activation::selu, "selu"},
                                        {Activation::silu, "silu"},
                                        {Activation::hard_swish, "hard_swish"},
                                        {Activation::softplus, "softplus"},
                                        {Activation::mish, "mish"},
                                        {Activation::gelu, "gelu"},
                                        {Activation::gelu_tanh, "gelu_tanh"},
                                        {Activation::log_softmax, "log_softmax"}};
constexpr Description kLayers[] = {{Activation::prelu, "prelu"},
                                   {Activation::affine, "affine"},
                                   {Activation::layer_normalization, "layer_normalization", {"epsilon"}}};

const Description& description_of(Activation activation) {
  for (const Description& each : kActivations)
    if (each.activation == activation) return each;
  for (const Description& each : kLayers)
    if (each.activation == activation) return each;
  throw Error("expected an activation of activation.hpp; received one numbered " +
              std::to_string(static_cast<int>(activation)));
}

}  // namespace

Activation activation_from_name(const std::string& name) {
  std::string valid;
  for (const Description& each : kActivations) {
    if (name == each.name) return each.activation;
    valid += (valid.empty() ? "" : ", ") + std::string(each.name);
  }
  for (const Description& each : kLayers)
    if (name == each.name) return each.activation;
  throw Error("expected an activation among " + valid + "; received '" + name + "'");
}

std::vector<std::string> activation_names() {
  std::vector<std::string> names;
  for (const Description& each : kActivations) names.emplace_back(each.name);
  return names;
}

const char* activation_name(Activation activation) { return description_of(activation).name; }

std::vector<std::string> activation_parameter_names(Activation activation) {
  std::vector<std::string> names;
  for (const char* name : description_of(activation).parameters)
    if (name != nullptr) names.emplace_back(name);
  return names;
}

void check_parameters(Activation activation, const ActivationParameters& parameters) {
  const std::vector<std::string> names = activation_parameter_names(activation);
  const bool is_clip = activation == Activation::clip;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const bool is_finite = std::abs(parameters[i]) <= std::numeric_limits<double>::max();
    if (parameters[i] != parameters[i] || (!is_clip && !is_finite))
      throw Error(names[i] + ": expected a finite number; received " + std::to_string(parameters[i]));
  }
  if (is_clip && parameters[0] > parameters[1])
    throw Error("minimum: expected at most the maximum, " + std::to_string(parameters[1]) + "; received " +
                std::to_string(parameters[0]));
  if (activation == Activation::celu && parameters[0] <= 0)
    throw Error("alpha: expected more than 0; received " + std::to_string(parameters[0]));
  if (activation == Activation::layer_normalization && parameters[0] < 0)
    throw Error("epsilon: expected at least 0; received " + std::to_string(parameters[0]));
}

}  // namespace fastnn
