// The reference implementation of one dense layer: docs/numerics.md in scalar C++, with the C library's correctly
// rounded fma. Tests compare the kernels with it bit for bit. Nothing else calls it.
#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

namespace fastnn {

// Computes y = x · kernel + bias for one row: x (inputs,), kernel (inputs, units), bias and y (units,).
template <class T>
void reference_dense(std::size_t inputs, std::size_t units, const T* kernel, const T* bias, const T* x, T* y) {
  const std::size_t chains = units < 4 ? 16 : units <= 16 ? 4 : units <= 64 ? 2 : 1;
  for (std::size_t n = 0; n < units; ++n) {
    std::vector<T> c(chains, T{0});
    c[0] = bias[n];
    for (std::size_t k = 0; k < inputs; ++k) c[k % chains] = std::fma(x[k], kernel[k * units + n], c[k % chains]);
    for (std::size_t width = chains / 2; width > 0; width /= 2)
      for (std::size_t j = 0; j < width; ++j) c[j] = c[j] + c[j + width];
    y[n] = c[0];
  }
}

}  // namespace fastnn
