// How the trainer's work is shared between threads: by the units of a layer, and by pieces of its gradient.
#pragma once

#include "blocks.hpp"
#include "fastnn/threads.hpp"
#include "thread_pool.hpp"

namespace fastnn {

// Returns the number of threads worth using for so many multiply-adds, of those that there are.
inline std::size_t threads_for(double work) { return work < 2 * kWorkOfAThread ? 1 : threads_for(work, num_threads()); }

}  // namespace fastnn
