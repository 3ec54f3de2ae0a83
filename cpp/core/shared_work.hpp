// How the trainer's work is shared between threads: by the units of a layer, and by pieces of its gradient.
#pragma once

#include <algorithm>

#include "blocks.hpp"
#include "dispatch.hpp"
#include "fastnn/threads.hpp"
#include "floating_point_mode.hpp"
#include "thread_pool.hpp"

namespace fastnn {

// Returns the number of threads worth using for so many multiply-adds, of those that there are.
inline std::size_t threads_for(double work) { return work < 2 * kWorkOfAThread ? 1 : threads_for(work, num_threads()); }

// Returns the multiply-adds of a row.
template <class T>
double work_of(const PackedLayer<T>& layer) {
  return static_cast<double>(layer.kernel == nullptr ? 1 : layer.inputs) * static_cast<double>(layer.units);
}

// Runs a layer for all its units; threads share them by panels.
template <class T>
void run_layer(const PackedLayer<T>& layer, const Block<const T>& x, const Block<T>& y) {
  const Kernels<T>& kernels = active_kernels<T>();
  const double work = static_cast<double>(x.rows) * work_of(layer);
  const std::size_t threads = threads_for(work);
  if (threads == 1) return kernels.layer(layer, x, y, {0, layer.units});
  const std::size_t panels = (layer.units + kPanelUnits<T> - 1) / kPanelUnits<T>;
  const std::size_t parts = parts_of_layer(panels, work, threads);
  const auto run_part = [&](std::size_t part) {
    const DefaultFloatingPointMode mode;
    const std::size_t first = begin_of_share(panels, part, parts) * kPanelUnits<T>;
    const std::size_t last = begin_of_share(panels, part + 1, parts) * kPanelUnits<T>;
    kernels.layer(layer, x, y, {first, std::min(last, layer.units)});
  };
  share(parts, threads, run_part, {});
}

}  // namespace fastnn
