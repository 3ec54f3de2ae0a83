// The door between the two objects of an instruction set: its element-wise activations, as the other kernels call them.
#pragma once

#include <utility>

#include "../core/kernel_table.hpp"

namespace fastnn::FASTNN_ISA {

// Applies a layer's element-wise activation to some units of a block, in place.
template <class T>
using Activate = void (*)(const PackedLayer<T>&, const Block<T>& y, Range units);

struct ElementwiseTable {
  Activate<float> float32;
  Activate<double> float64;
};

extern const ElementwiseTable kElementwise;

namespace {

constexpr auto kActivationNumbers = std::make_integer_sequence<int, kActivationCount>{};

}  // namespace
}  // namespace fastnn::FASTNN_ISA
