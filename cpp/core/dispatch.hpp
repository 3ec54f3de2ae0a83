// Which kernels run.
#pragma once

#include <type_traits>

#include "kernel_table.hpp"

namespace fastnn {

// The kernels in use. Throws what isa() throws until an instruction set has been chosen, nothing after that.
const KernelTable& active_kernels();

template <class T>
const Kernels<T>& active_kernels() {
  if constexpr (std::is_same_v<T, float>)
    return active_kernels().float32;
  else
    return active_kernels().float64;
}

}  // namespace fastnn
