// How the work of a layer is shared between threads: by its units.
#pragma once

#include <algorithm>

#include "blocks.hpp"
#include "dispatch.hpp"
#include "fastnn/threads.hpp"
#include "thread_pool.hpp"

namespace fastnn {

// Returns the number of threads worth using for so many multiply-adds, of those that there are.
inline std::size_t threads_for(double work) { return work < 2 * kWorkOfAThread ? 1 : threads_for(work, num_threads()); }

// Returns the multiply-adds of a row.
template <class T>
double work_of(const PackedLayer<T>& layer) {
  return static_cast<double>(layer.kernel == nullptr ? 1 : layer.inputs) * static_cast<double>(layer.units);
}

// Runs a layer of so many multiply-adds for all its units; threads share them by panels. go_on is asked between parts.
template <class T>
void share_layer(const Kernels<T>& kernels, const PackedLayer<T>& layer, const Block<const T>& x, const Block<T>& y,
                 double work, std::size_t threads, FunctionRef<bool()> go_on) {
  const std::size_t panels = (layer.units + kPanelUnits<T> - 1) / kPanelUnits<T>;
  const std::size_t parts = parts_of_layer(panels, work, threads);
  const auto run_part = [&](std::size_t part) {
    const std::size_t first = begin_of_share(panels, part, parts) * kPanelUnits<T>;
    const std::size_t last = begin_of_share(panels, part + 1, parts) * kPanelUnits<T>;
    kernels.layer(layer, x, y, {first, std::min(last, layer.units)});
  };
  share(parts, threads, run_part, go_on);
}

// Runs a layer of a trainer: small ones on this thread.
template <class T>
void run_layer(const PackedLayer<T>& layer, const Block<const T>& x, const Block<T>& y) {
  const Kernels<T>& kernels = active_kernels<T>();
  const double work = static_cast<double>(x.rows) * work_of(layer);
  const std::size_t threads = threads_for(work);
  if (threads == 1) return kernels.layer(layer, x, y, {0, layer.units});
  share_layer(kernels, layer, x, y, work, threads, {});
}

}  // namespace fastnn
