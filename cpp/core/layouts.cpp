#include "layouts.hpp"

#include <array>
#include <limits>

#include "packing.hpp"

namespace fastnn {
namespace {

// Costs in multiply-adds of one lane (docs/evidence/performance.md, "Layouts").
constexpr double kTransposed = 6;       // a number that goes from one layout to the other
constexpr double kCopied = 1.5;         // a number of an answer with units in lanes
constexpr double kActivated = 24;       // an activation of one unit
constexpr double kOfWholeRow = 16;      // added if it needs all units of a row, and they lie side by side
constexpr double kAddedChains = 64;     // adding up 16 chains of one unit, or 4 chains of up to 8 units
constexpr double kFourChains = 1.5;     // a multiply-add of 4 chains, which leave AVX-512 room for 4 units and a vector
constexpr double kUnitsInLanes = 1.03;  // such tiles read more of their splatted numbers from the level 2 cache
constexpr double kSmallTiles = 1.15;    // a tile of one or two vectors of rows loads more for each multiply-add

constexpr std::array<Layout, 2> kLayouts = {Layout::units_in_lanes, Layout::rows_in_lanes};
constexpr std::size_t index(Layout layout) { return static_cast<std::size_t>(layout); }

double cost_of_moving(std::size_t width, Layout from, Layout to) {
  return from == to ? 0 : kTransposed * static_cast<double>(width);
}

double cost_of_answers(std::size_t units, Layout layout) {
  return (layout == Layout::rows_in_lanes ? kTransposed : kCopied) * static_cast<double>(units);
}

// Returns what a layer costs a row. Panels are those of float32, so that both dtypes have the same layouts.
template <class T>
double cost_of(const PackedLayer<T>& layer, Layout inputs, Layout outputs) {
  if (layer.is_identity()) return 0;
  const double units = static_cast<double>(layer.units);
  // Kernels of up to 8 units take half a panel (fours.hpp; a vector of AVX2). Those of 9 to 12 take three quarters with
  // AVX-512 alone: counted so, AVX2 is up to 1.3 times slower, AVX-512 at most 1.09 times faster.
  const bool few_units = layer.kernel != nullptr && layer.units <= 8;
  const auto lanes_of = [&](std::size_t together) {
    return outputs == Layout::rows_in_lanes ? units : static_cast<double>(round_up(layer.units, together));
  };
  const double lanes = lanes_of(kPanelUnits<float>);
  double cost = 0;
  if (layer.is_head())  // with rows in lanes, 16 chains leave AVX-512 room for one unit: two loads for a multiply-add
    cost =
        units * (kAddedChains + (inputs == Layout::rows_in_lanes ? 2 * static_cast<double>(layer.inputs)
                                                                 : static_cast<double>(pad_to_chains(layer.inputs))));
  else if (layer.kernel != nullptr)
    cost = static_cast<double>(layer.inputs) * lanes_of(few_units ? 8 : kPanelUnits<float>) *
           (inputs == Layout::units_in_lanes ? kUnitsInLanes
            : layer.chains == 4              ? kFourChains
                                             : 1);
  if (!layer.tiles_activate()) cost += kActivated * lanes;
  if (few_units && layer.chains == 4 && inputs == Layout::units_in_lanes) cost += kAddedChains;
  if (layer.takes_whole_rows && outputs == Layout::units_in_lanes) cost += kOfWholeRow * lanes;
  return cost;
}

}  // namespace

bool Layouts::pay(std::size_t rows, std::size_t lanes) const {
  const double count = static_cast<double>(rows), padded = static_cast<double>(round_up(rows, lanes));
  return kSmallTiles * (of_row * count + of_lane * padded) < units_in_lanes * count;
}

// Goes from the last layer to the first. `ahead` has the least cost from a layer's inputs on, for either layout of
// them.
template <class T>
Layouts cheapest_layouts(const std::vector<PackedLayer<T>>& layers) {
  constexpr double kNone = std::numeric_limits<double>::infinity();
  std::array<double, 2> ahead;
  for (const Layout layout : kLayouts) ahead[index(layout)] = cost_of_answers(layers.back().units, layout);
  std::vector<std::array<Layout, 2>> choices(layers.size());
  Layouts found;
  found.units_in_lanes = ahead[0];
  for (std::size_t i = layers.size(); i-- > 0;) {
    const PackedLayer<T>& layer = layers[i];
    std::array<double, 2> best = {kNone, kNone};
    for (const Layout here : kLayouts)
      for (const Layout layout : kLayouts) {
        const Layout next = layout_of_outputs(layer, layout);
        const double cost =
            cost_of_moving(layer.inputs, here, layout) + cost_of(layer, layout, next) + ahead[index(next)];
        if (cost >= best[index(here)]) continue;
        best[index(here)] = cost;
        choices[i][index(here)] = layout;
      }
    ahead = best;
    found.units_in_lanes += cost_of(layer, Layout::units_in_lanes, Layout::units_in_lanes);
  }

  Layout here = Layout::units_in_lanes;  // of arrays
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const Layout layout = choices[i][index(here)], next = layout_of_outputs(layers[i], layout);
    found.of_inputs.push_back(layout);
    found.of_row += cost_of_moving(layers[i].inputs, here, layout);
    (layout == Layout::rows_in_lanes ? found.of_lane : found.of_row) += cost_of(layers[i], layout, next);
    here = next;
  }
  found.of_row += cost_of_answers(layers.back().units, here);
  return found;
}

template Layouts cheapest_layouts(const std::vector<PackedLayer<float>>&);
template Layouts cheapest_layouts(const std::vector<PackedLayer<double>>&);

}  // namespace fastnn
