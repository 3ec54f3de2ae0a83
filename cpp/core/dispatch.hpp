// Which kernels run.
#pragma once

#include "kernel_table.hpp"

namespace fastnn {

// The kernels in use. Throws what isa() throws until an instruction set has been chosen, nothing after that.
const KernelTable& active_kernels();

}  // namespace fastnn
