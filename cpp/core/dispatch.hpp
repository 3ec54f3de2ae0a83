// The kernels in use: one pointer, which set_isa may change at any time. Calls that have begun keep the kernels that
// they began with.
#pragma once

#include <type_traits>

#include "kernel_table.hpp"

namespace fastnn {

// Returns the kernels in use. The first call in a process may throw what isa() throws; later calls never throw.
const KernelTable& active_kernels();

template <class T>
const Kernels<T>& active_kernels() {
  if constexpr (std::is_same_v<T, float>)
    return active_kernels().float32;
  else
    return active_kernels().float64;
}

}  // namespace fastnn
