// The instruction sets that the kernels are compiled for, and which of them is in use.
#pragma once

#include <string>
#include <vector>

namespace fastnn {

// The instruction sets of this build that this CPU and operating system can run, best first:
// "avx512", "avx2", "portable" on x86-64, "neon" on aarch64.
std::vector<std::string> isas();

// Those of this build that cannot run here.
std::vector<std::string> unsupported_isas();

// The one in use: the best, or what the environment variable FASTNN_ISA names if it is set and not empty. Throws
// Error, listing the valid names, when FASTNN_ISA is not one of isas().
std::string isa();

// Uses `name` from now on, in every thread; answers keep their bits. Throws Error as isa() does.
void set_isa(const std::string& name);

}  // namespace fastnn
