// The instruction sets that the kernels are compiled for, and the choice between them. It changes the speed only: all
// of them give the same bits.
//
//   fastnn::set_isa(fastnn::isas().back());  // the slowest one, for a comparison
#pragma once

#include <string>
#include <vector>

namespace fastnn {

// Returns the instruction sets of this build that this CPU and operating system support, best first. On x86-64 they are
// among "avx512", "avx2", "portable"; on aarch64 there is only "neon".
std::vector<std::string> isas();

// Returns the instruction sets of this build that are not supported here.
std::vector<std::string> unsupported_isas();

// Returns the instruction set in use. The default is the first of isas(), or the environment variable FASTNN_ISA if it
// is set and not empty. Throws Error, listing the valid names, if FASTNN_ISA is not one of isas().
std::string isa();

// Sets the instruction set for all threads. Calls that are running keep theirs. Throws Error, listing the valid names,
// if `name` is not one of isas().
void set_isa(const std::string& name);

}  // namespace fastnn
