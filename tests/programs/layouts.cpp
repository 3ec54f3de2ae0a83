// For test_layouts.py: which layout each layer's inputs get. It exits with 0, or prints the line of the check that
// failed.
#include "../../cpp/core/layouts.cpp"

#include <string>
#include <vector>

#include "check.hpp"

using namespace fastnn;

namespace {

// A network of Dense layers with these inputs and units.
std::vector<PackedLayer<float>> layers_of(const std::vector<std::size_t>& sizes,
                                          Activation activation = Activation::relu) {
  static const float weight = 0;  // never read
  std::vector<PackedLayer<float>> layers;
  for (std::size_t i = 1; i < sizes.size(); ++i) {
    const bool is_last = i + 1 == sizes.size();
    layers.push_back({sizes[i - 1], sizes[i], chains_of(sizes[i]), LayerKind::dense,
                      is_last ? Activation::linear : activation, false, 0});
    layers.back().kernel = &weight;
  }
  return layers;
}

Layouts layouts_of(const std::vector<std::size_t>& sizes, Activation activation = Activation::relu) {
  return cheapest_layouts(layers_of(sizes, activation));
}

// The same network with Dropout after each layer, as it is outside of training.
Layouts layouts_with_dropout(const std::vector<std::size_t>& sizes) {
  std::vector<PackedLayer<float>> layers;
  for (const PackedLayer<float>& dense : layers_of(sizes)) {
    layers.push_back(dense);
    layers.push_back(
        {dense.units, dense.units, chains_of(dense.units), LayerKind::activation, Activation::linear, false, 0});
  }
  return cheapest_layouts(layers);
}

// For example "ur": units, then rows in lanes.
std::string text(const Layouts& layouts) {
  std::string letters;
  for (const Layout layout : layouts.of_inputs) letters += layout == Layout::units_in_lanes ? 'u' : 'r';
  return letters;
}

}  // namespace

int main() {
  // Layers of few units, and networks with wide inputs or answers, read rows where they are: transposing costs more
  // than idle lanes.
  for (const std::size_t units : {1, 2, 3, 4, 8}) CHECK(text(layouts_of({300, units})) == "u");
  for (const std::size_t units : {1, 2, 3})
    CHECK(text(layouts_of({6, units})) == "u" && text(layouts_of({19, units})) == "u");
  CHECK(text(layouts_of({2048, 64, 2048})) == "uu");
  CHECK(text(layouts_of({27, 11, 291})) == "uu");
  CHECK(text(layouts_of({784, 128, 2, 128, 784})) == "uuuu");
  // 100 units leave 12 of 112 lanes idle, 20 leave 12 of 32. Inputs and answers are few.
  CHECK(text(layouts_of({10, 100, 100, 1})) == "rrr");
  CHECK(text(layouts_of({10, 20, 20, 20, 2}, Activation::tanh)) == "rrrr");
  // Wide inputs, then narrow layers with idle lanes: the block is transposed where it is narrowest.
  CHECK(text(layouts_of({2048, 64, 20, 20, 20, 20, 20, 20}, Activation::tanh)) == "urrrrrr");
  // 89 units leave 7 of 96 lanes idle, which costs more than the transposition of 1186 inputs; the answers do not.
  CHECK(text(layouts_of({1186, 89, 24, 50, 1186})) == "rrru");

  for (const std::size_t lanes : {4, 8, 16}) {
    CHECK(layouts_of({10, 20, 20, 2}).pay(lanes, lanes));  // with units in lanes 12 of 32 would be idle
    // 64 units leave no lane idle.
    for (std::size_t rows = 1; rows < 64; ++rows) CHECK(!layouts_of({64, 64, 64, 64}).pay(rows, lanes));
  }
  // A layer that only hands its inputs on costs nothing, whatever its width.
  for (const std::vector<std::size_t>& sizes :
       {std::vector<std::size_t>{2048, 17, 2048}, {64, 64, 64}, {10, 20, 20, 2}}) {
    const Layouts without = layouts_of(sizes), with = layouts_with_dropout(sizes);
    CHECK(with.units_in_lanes == without.units_in_lanes);
    CHECK(with.of_row == without.of_row && with.of_lane == without.of_lane);
  }
  const Layouts layouts = layouts_of({10, 100, 100, 1});
  CHECK(layouts.of_row > 0 && layouts.of_lane > 0 && layouts.units_in_lanes > layouts.of_row + layouts.of_lane);
}
