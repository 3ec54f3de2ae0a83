// The names of the activations.
#include <stdexcept>

#include "fastnn/network.hpp"

namespace fastnn {
namespace {

struct Name {
  Activation activation;
  const char* name;
};
constexpr Name kNames[] = {
    {Activation::linear, "linear"},    {Activation::relu, "relu"},           {Activation::tanh, "tanh"},
    {Activation::sigmoid, "sigmoid"},  {Activation::softmax, "softmax"},     {Activation::step, "step"},
    {Activation::relu6, "relu6"},      {Activation::hard_tanh, "hard_tanh"}, {Activation::hard_sigmoid, "hard_sigmoid"},
    {Activation::softsign, "softsign"}};

}  // namespace

Activation activation_from_name(const std::string& name) {
  std::string valid;
  for (const Name& each : kNames) {
    if (name == each.name) return each.activation;
    valid += (valid.empty() ? "" : ", ") + std::string(each.name);
  }
  throw std::invalid_argument("expected an activation among " + valid + "; received '" + name + "'");
}

std::vector<std::string> activation_names() {
  std::vector<std::string> names;
  for (const Name& each : kNames) names.emplace_back(each.name);
  return names;
}

const char* activation_name(Activation activation) {
  for (const Name& each : kNames)
    if (each.activation == activation) return each.name;
  return "unknown";
}

}  // namespace fastnn
