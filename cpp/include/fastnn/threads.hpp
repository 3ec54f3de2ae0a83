// The number of threads that a call may use. It changes the speed only: results have the same bits with any number.
//
//   fastnn::set_num_threads(1);  // all calls run on the calling thread
#pragma once

#include <cstddef>

namespace fastnn {

constexpr std::size_t kMostThreads = 1024;

// Returns the most threads that a call uses, including the calling one. The default is the first of these that is set:
// the environment variable FASTNN_NUM_THREADS, the first number in OMP_NUM_THREADS, usable_cpus(). Throws Error if
// FASTNN_NUM_THREADS is not a number from 1 to kMostThreads.
std::size_t num_threads();

// Sets the most threads that a call uses, for the whole process. Throws Error unless it is 1 to kMostThreads.
void set_num_threads(std::size_t threads);

// Returns the number of CPUs that this thread may use, at least 1: those of its affinity or, if that is less, the CPU
// quota of its Linux control groups, rounded up.
std::size_t usable_cpus();

}  // namespace fastnn
