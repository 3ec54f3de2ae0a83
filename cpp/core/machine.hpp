// What the machine could do at most, measured with the instruction set in use.
#pragma once

#include <cstddef>

#include "fastnn/function_ref.hpp"

namespace fastnn {

// Operations a second, two for each fma, of fmas in registers alone, by so many threads together; T is float or double.
// Like read_bandwidth it takes about `seconds`, above 0 and at most 60, on 1 to kMostThreads threads (else
// Error), and tells the fastest of rounds of 100 µs (1 ms for several threads) or one pass: on a shared
// machine every disturbance adds time, none takes away. A round is timed until the last thread ends. To add up what
// threads found each on its own would count a CPU that two of them take in turns, or halves of a core, twice.
//
// `go_on`, unless empty, is asked after every round. Once it says false they end, with 0.
template <class T>
double fma_rate(double seconds, std::size_t threads = 1, FunctionRef<bool()> go_on = {});

// Bytes a second of reading `size` bytes over and over, front to back: the bandwidth of the nearest cache that holds
// them. `size` is rounded up to a multiple of 512. Threads all read the same bytes, as they do weights, each from a
// place of its own on, so that none finds in a cache what another has just fetched. Throws Error for no
// bytes, std::bad_alloc.
double read_bandwidth(std::size_t size, double seconds, std::size_t threads = 1, FunctionRef<bool()> go_on = {});

}  // namespace fastnn
