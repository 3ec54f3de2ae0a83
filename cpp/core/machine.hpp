// The limits of this machine: peak arithmetic rate and read bandwidth, measured with the instruction set in use, for
// benchmarks, which report results as a fraction of them; and the size of a cache.
#pragma once

#include <cstddef>

#include "fastnn/function_ref.hpp"

namespace fastnn {

// Returns the peak rate of fmas on registers, in operations per second (two per fma), of all threads together. T is
// float or double. Runs for about `seconds`. Throws Error unless 0 < seconds <= 60 and 1 <= threads <= kMostThreads.
//
// Like read_bandwidth it returns the fastest of many rounds: on a shared machine every disturbance adds time. A round
// takes 100 µs (1 ms for several threads) or one pass, and ends when the last thread ends. Adding up rates that each
// thread measured alone would count a CPU twice when two threads take turns on it.
//
// `go_on`, unless empty, is called after every round. When it returns false, the measurement ends and returns 0.
template <class T>
double fma_rate(double seconds, std::size_t threads = 1, FunctionRef<bool()> go_on = {});

// Returns the rate, in bytes per second, of reading `size` bytes repeatedly from front to back: the bandwidth of the
// nearest cache that holds them. `size` is rounded up to a multiple of 512. All threads read the same bytes, as they do
// with weights; each starts at a different offset, so that none finds in a cache what another has just fetched.
// Throws Error for a size of 0, std::bad_alloc when memory is short, and what fma_rate throws.
double read_bandwidth(std::size_t size, double seconds, std::size_t threads = 1, FunctionRef<bool()> go_on = {});

// Returns the bytes of a CPU's level 1 data cache, 32 KiB where the system does not tell.
std::size_t level_1_bytes() noexcept;

// Whether square roots and divisions of vectors keep the CPU longer than the multiply-adds that give the same roots. On
// Intel's CPUs with AVX-512 they take 22 cycles for a square root and a division of 16 numbers, on Zen 5 9.
bool has_slow_roots() noexcept;

}  // namespace fastnn
