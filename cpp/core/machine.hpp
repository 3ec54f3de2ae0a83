// What the machine is, and what it could do at most, measured on one thread with the instruction set in use.
#pragma once

#include <cstddef>

namespace fastnn {

// The level 2 data cache of a core; 1 MiB where the system does not tell.
std::size_t level_2_cache_bytes();

// Operations a second, two for each fma, of fmas in registers alone; T is float or double. Like read_bandwidth it takes
// about `seconds`, above 0 and at most 60 (else std::invalid_argument), and tells the fastest of rounds of 100 µs or
// one pass: on a shared machine every disturbance adds time, none takes away.
template <class T>
double fma_rate(double seconds);

// Bytes a second of reading `size` bytes over and over, front to back: the bandwidth of the nearest cache that holds
// them. `size` is rounded up to a multiple of 512. Throws std::invalid_argument for no bytes, std::bad_alloc.
double read_bandwidth(std::size_t size, double seconds);

}  // namespace fastnn
