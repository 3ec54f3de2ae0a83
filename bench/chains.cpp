// Measures how many chains the sums of a layer should have (docs/numerics.md, "Dense"): the time of one layer, for one
// row and for a tile of rows, with every number of chains. The library fixes that number per layer, so this program
// calls the kernels directly.
#include <cstdio>
#include <vector>

#include "../cpp/core/dispatch.hpp"
#include "fastnn/isa.hpp"
#include "timing.hpp"

namespace {

using fastnn::Kernels;
using fastnn::PackedLayer;

double nanoseconds(const Kernels<float>& kernels, std::size_t inputs, std::size_t units, int chains, bool one_row) {
  const std::size_t rows = one_row ? 1 : kernels.lanes * kernels.tile_vectors;
  const auto column_stride = static_cast<std::ptrdiff_t>(one_row ? 1 : rows);
  const std::size_t width = 16 + std::max(inputs, units);
  std::vector<float> weights((inputs + 16) * (units + 16), 0.001f), bias(units + 16), x(rows * width, 1),
      y(rows * width);
  PackedLayer<float> layer = {inputs, units, chains, fastnn::LayerKind::dense, fastnn::Activation::linear, false, 0};
  layer.kernel = weights.data();
  layer.of_units[0] = bias.data();
  const auto row_stride = static_cast<std::ptrdiff_t>(one_row ? width : 1);
  return 1e9 * shortest_seconds([&] {
           kernels.layer(layer, {x.data(), rows, row_stride, column_stride},
                         {y.data(), rows, row_stride, column_stride}, {0, units});
           x[0] = y[0];  // each call depends on the last: measures latency, not throughput
         });
}

}  // namespace

int main() {
  for (const std::string& isa : fastnn::isas()) {
    fastnn::set_isa(isa);
    for (const bool one_row : {true, false}) {
      std::printf("%s, %s, ns\ninputs  units  1 chain       2       4      16\n", isa.c_str(),
                  one_row ? "one row" : "a tile of rows");
      for (const std::size_t inputs : {32, 100, 256})
        for (const std::size_t units : {1, 7, 8, 10, 16, 17, 24, 32, 48, 64, 65, 100, 128}) {
          std::printf("%6zu %6zu ", inputs, units);
          for (const int chains : {1, 2, 4, 16})
            std::printf(" %7.0f", nanoseconds(fastnn::active_kernels().float32, inputs, units, chains, one_row));
          std::printf("\n");
        }
    }
  }
}
