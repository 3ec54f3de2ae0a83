// Look-ups in the tables of activation.hpp and layers.hpp.
#include <cstdlib>
#include <limits>

#include "fastnn/network.hpp"

namespace fastnn {

namespace {

const char* name_of(const ActivationRow& row) { return row.name; }
const char* name_of(const LayerRow& row) { return row.class_name; }

template <class Row, std::size_t N>
const Row* find(const Row (&rows)[N], const std::string& name) {
  for (const Row& row : rows)
    if (name == name_of(row)) return &row;
  return nullptr;
}

template <class Row, std::size_t N>
std::string names_in(const Row (&rows)[N]) {
  std::string names;
  for (const Row& row : rows) names += (names.empty() ? "" : ", ") + std::string(name_of(row));
  return names;
}

}  // namespace

const ActivationRow* find_activation(const std::string& name) { return find(kActivations, name); }
const LayerRow* find_layer(const std::string& class_name) { return find(kLayers, class_name); }
std::string activation_names() { return names_in(kActivations); }
std::string layer_names() { return names_in(kLayers); }

const ActivationRow& activation_row(const std::string& name) {
  if (const ActivationRow* row = find_activation(name)) return *row;
  throw Error("expected an activation among " + activation_names() + "; received '" + name + "'");
}

const LayerRow& layer_row(const std::string& class_name) {
  if (const LayerRow* row = find_layer(class_name)) return *row;
  throw Error("expected a layer among " + layer_names() + "; received '" + class_name + "'");
}

const LayerRow& layer_row(LayerKind kind) {
  for (const LayerRow& row : kLayers)
    if (row.kind == kind) return row;
  throw Error("expected a kind of layers.hpp; received one numbered " + std::to_string(static_cast<int>(kind)));
}

const char* activation_name(Activation activation) {
  const int number = static_cast<int>(activation);
  if (number < kActivationCount) return kActivations[number].name;
  throw Error("expected an activation of activation.hpp; received one numbered " + std::to_string(number));
}

std::vector<Parameter> parameters_of(LayerKind kind, Activation activation) {
  activation_name(activation);  // an Error for a number that is none's
  const LayerRow& row = layer_row(kind);
  std::vector<Parameter> found;
  for (const Parameter& each :
       row.has_activation ? kActivations[static_cast<int>(activation)].parameters : row.parameters)
    if (each.name != nullptr) found.push_back(each);
  return found;
}

void check_value(const std::string& name, Domain domain, double value) {
  const bool may_be_infinite = domain == Domain::minimum || domain == Domain::maximum;
  const bool is_finite = std::abs(value) <= std::numeric_limits<double>::max();
  const char* expected = nullptr;
  if (value != value || (!is_finite && !may_be_infinite))
    expected = "a finite number";
  else if (domain == Domain::positive && value <= 0)
    expected = "more than 0";
  else if (domain == Domain::not_negative && value < 0)
    expected = "at least 0";
  else if (domain == Domain::fraction && (value < 0 || value > 1))
    expected = "a number from 0 to 1";
  else if (domain == Domain::below_1 && (value < 0 || value >= 1))
    expected = "a number of at least 0 and below 1";
  if (expected != nullptr) throw Error(name + ": expected " + expected + "; received " + std::to_string(value));
}

void check_parameters(const std::vector<Parameter>& rows, const Parameters& values) {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    check_value(rows[i].name, rows[i].domain, values[i]);
    if (rows[i].domain == Domain::maximum && values[i - 1] > values[i])
      throw Error(std::string(rows[i - 1].name) + ": expected at most the " + rows[i].name + ", " +
                  std::to_string(values[i]) + "; received " + std::to_string(values[i - 1]));
  }
}

}  // namespace fastnn
