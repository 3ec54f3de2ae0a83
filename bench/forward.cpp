// Times Network::forward without Python, in float32 on one thread. Prints microseconds per call, GFLOP/s (two
// operations per weight and row), and the percentage of the fma peak. The peak is measured just before and after each
// network, because the clock rate of a shared machine changes.
#include <algorithm>
#include <cstdio>
#include <string>

#include "../cpp/core/machine.hpp"
#include "fastnn/isa.hpp"
#include "fastnn/threads.hpp"
#include "networks.hpp"
#include "timing.hpp"

namespace {

void time_network(const Shape& shape, std::size_t most_rows) {
  const fastnn::Network<float> network = Description(shape).network();
  const double flops = 2.0 * static_cast<double>(weights(shape));
  for (std::size_t rows = 1; rows <= most_rows; rows *= 16) {
    std::vector<float> x(rows * network.inputs(), 0.5f), y(rows * network.units());
    const auto stride = static_cast<std::ptrdiff_t>(network.inputs());
    const double before = fastnn::fma_rate<float>(0.005);
    const double seconds = shortest_seconds([&] { network.forward({x.data(), rows, stride}, y.data()); });
    const double rate = flops * static_cast<double>(rows) / seconds;
    const double peak = std::max(before, fastnn::fma_rate<float>(0.005));
    std::printf("%-36s %6zu %12.2f %8.1f %6.1f\n", shape.name, rows, seconds * 1e6, rate / 1e9, 100 * rate / peak);
  }
}

}  // namespace

// Usage: forward [most rows, default 4096]
int main(int argc, char** argv) {
  fastnn::set_num_threads(1);
  const std::size_t most_rows = argc > 1 ? std::stoul(argv[1]) : 4096;
  std::printf("instruction set %s\n%-36s %6s %12s %8s %6s\n", fastnn::isa().c_str(), "network", "rows", "us", "GFLOP/s",
              "%");
  for (const Shape& shape : kShapes) time_network(shape, most_rows);
}
