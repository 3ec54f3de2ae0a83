// How many threads a call may use. Answers have the same bits with any number.
#pragma once

#include <cstddef>

namespace fastnn {

constexpr std::size_t kMostThreads = 1024;

// The most threads that a call works on, its own among them. Until set_num_threads is called: what the environment
// variable FASTNN_NUM_THREADS says if it is set and not empty; else the first number in OMP_NUM_THREADS, if that has
// one; else usable_cpus(). Throws Error when FASTNN_NUM_THREADS is not a number from 1 to kMostThreads.
std::size_t num_threads();

// From now on, in the whole process, 1 to kMostThreads; throws Error for another number.
void set_num_threads(std::size_t threads);

// The CPUs that the calling thread may run on, or as many as the quota of its Linux control groups amounts to (rounded
// up) where that is less; at least 1.
std::size_t usable_cpus();

}  // namespace fastnn
