// What a network is once it is built: written by network.cpp, read by forward.cpp.
#pragma once

#include <cstddef>
#include <limits>
#include <vector>

#include "fastnn/network.hpp"
#include "kernel_table.hpp"
#include "layouts.hpp"
#include "memory.hpp"
#include "packing.hpp"

namespace fastnn {

// Returns the most rows of `width` numbers: no array may have more bytes than a ptrdiff_t counts.
template <class T>
constexpr std::size_t rows_that_fit(std::size_t width) {
  return static_cast<std::size_t>(std::numeric_limits<std::ptrdiff_t>::max()) / sizeof(T) / width;
}

constexpr const char* kTooManyRows = "expected as many rows as fit into memory; received more";

template <class T>
struct Network<T>::Packed {
  std::size_t inputs;
  std::size_t widest;         // of inputs and all units, padded to whole panels and chains
  std::size_t most_rows;      // limit on a block's rows by the scratch that a thread keeps; at least 1
  std::size_t rows_that_fit;  // of a call, in its widest layer
  double work;                // of a row, the sum of the layers'
  std::vector<PackedLayer<T>> layers;
  Layouts layouts;
  AlignedBuffer<T> memory;
};

}  // namespace fastnn
