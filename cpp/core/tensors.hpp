// The arrays of weights of a trainer: each lies in the trainer's memory as the kernels read it (packing.hpp). Slots of
// optimizers, gradients and averages are memories of the same layout, so a weight has the same place in all of them.
#pragma once

#include <string>
#include <vector>

#include "fastnn/trainer.hpp"
#include "packing.hpp"

namespace fastnn {

template <class T>
struct Tensor {
  std::string name;
  std::size_t layer;          // of the model
  std::size_t inputs, units;  // of a kernel its shape; else inputs are 1
  bool is_kernel;
  bool trained;
  std::size_t offset;
  WeightTraining training;

  bool by_unit() const { return is_kernel && chains_of(units) == kMostChains; }
  std::size_t size() const { return inputs * units; }

  // Calls run(offset, count) for every stretch of memory that holds its numbers and nothing else.
  template <class Run>
  void for_each_stretch(const Run& run) const {
    if (!by_unit()) return run(offset, size());
    for (std::size_t n = 0; n < units; ++n) run(offset + n * pad_to_chains(inputs), inputs);
  }

  // Calls run(place, at, width) for runs of numbers that stand side by side both in memory and in its shape.
  template <class Run>
  void for_each_run_of(const Run& run) const {
    if (!is_kernel) return run(offset, std::size_t{0}, units);
    for_each_run<T>(inputs, units, [&](std::size_t k, std::size_t n, std::size_t width, std::size_t at) {
      run(offset + at, k * units + n, width);
    });
  }

  // Where weight (k, n) of a kernel stands.
  std::size_t place(std::size_t k, std::size_t n) const {
    constexpr std::size_t P = kPanelUnits<T>;
    if (by_unit()) return offset + n * pad_to_chains(inputs) + k;
    const std::size_t first = n / P * P;
    return offset + first * inputs + k * std::min(P, units - first) + (n - first);
  }

  std::vector<T> read(const T* memory) const {
    std::vector<T> numbers(size());
    for_each_run_of([&](std::size_t place, std::size_t at, std::size_t width) {
      std::copy_n(memory + place, width, numbers.data() + at);
    });
    return numbers;
  }

  // size() numbers.
  void write(const std::vector<T>& numbers, T* memory) const {
    for_each_run_of([&](std::size_t place, std::size_t at, std::size_t width) {
      std::copy_n(numbers.data() + at, width, memory + place);
    });
  }
};

}  // namespace fastnn
