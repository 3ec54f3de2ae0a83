// The slow truth: one dense layer by the words of docs/numerics.md, with the C library's correctly rounded fma and no
// vectors. Tests hold the kernels to it bit for bit; it never runs otherwise.
#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

namespace fastnn {

// y = x · kernel + bias for one row; kernel is (inputs, units).
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
