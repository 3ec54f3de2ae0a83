// Which kernels run.
#pragma once

#include "kernel_table.hpp"

namespace fastnn {

// The kernels in use. Throws what isa() throws on the first call of the process, nothing after that.
const KernelTable& active_kernels();

}  // namespace fastnn
