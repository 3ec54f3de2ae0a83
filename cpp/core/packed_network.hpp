// What a network is once it is built: written by network.cpp, read by forward.cpp.
#pragma once

#include <vector>

#include "fastnn/network.hpp"
#include "kernel_table.hpp"
#include "memory.hpp"

namespace fastnn {

template <class T>
struct Network<T>::Packed {
  std::size_t inputs;
  std::size_t widest;         // of inputs and all units, padded to whole panels and chains
  std::size_t rows_in_cache;  // whose scratch fits beside the weights' stream in the level 2 cache
  double work;                // of a row, the sum of the layers'
  std::vector<PackedLayer<T>> layers;
  AlignedBuffer<T> memory;
};

inline std::size_t round_up(std::size_t n, std::size_t multiple) { return (n + multiple - 1) / multiple * multiple; }

}  // namespace fastnn
