// Chooses how the numbers of a block of rows lie in memory, layer by layer, by what that costs.
//
// Units in lanes: the numbers of a row lie side by side, as in arrays. Rows are read where they are and answers are
// copied line by line, but the last lanes of a layer may be idle. Rows in lanes: the numbers of all rows for one unit
// lie side by side. No lane is idle, but rows are transposed into this layout, and answers out of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernel_table.hpp"

namespace fastnn {

enum class Layout : std::uint8_t { units_in_lanes, rows_in_lanes };

// Returns the layout of a layer's outputs, for many rows. A head before other layers writes rows in lanes, because its
// few units would leave most lanes idle there.
template <class T>
Layout layout_of_outputs(const PackedLayer<T>& layer, Layout of_inputs) {
  return layer.is_head() ? Layout::rows_in_lanes : of_inputs;
}

struct Layouts {
  std::vector<Layout> of_inputs;  // of each layer, for many rows

  double units_in_lanes = 0;  // the cost of a row with units in lanes in all layers
  double of_row = 0;          // the cost of a row with these layouts, but for layers with rows in lanes
  double of_lane = 0;         // the cost of those: of each lane of a vector of rows, idle or not

  // Whether so many rows cost less with these layouts than with units in lanes in all layers.
  bool pay(std::size_t rows, std::size_t lanes) const;
};

// Returns the layouts of packed layers that cost least for many rows.
template <class T>
Layouts cheapest_layouts(const std::vector<PackedLayer<T>>& layers);

}  // namespace fastnn
