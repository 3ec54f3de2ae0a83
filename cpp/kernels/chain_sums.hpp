// A sum over the units of a row in 16 chains, for loops that compute more than one sum or write no row. The order is
// that of UnitsInLanes::sum in whole_rows.hpp (docs/numerics.md, "Activations": softmax).
#pragma once

#include "sums.hpp"

namespace fastnn::FASTNN_ISA {
namespace {

// Returns which lanes of the vector that begins at unit n are units, of so many.
template <class T>
FASTNN_INLINE Bits<T> are_units(std::size_t n, std::size_t units) {
  const std::size_t left = units - n < std::size_t{kLanes<T>} ? units - n : std::size_t{kLanes<T>};
  return lane_numbers<T>() < splat_bits<T>(static_cast<Integer<T>>(left));
}

template <class T>
class ChainSum {
 public:
  FASTNN_INLINE explicit ChainSum(std::size_t units) : units_(units) {}

  // Adds one term per lane, for the units from n on. Lanes beyond the units, the padding, add nothing.
  FASTNN_INLINE void add(std::size_t n, Vector<T> term) {
    T* chain = sums_ + n % kMostChains;
    store(chain, load(chain) + (are_units<T>(n, units_) ? term : Vector<T>{}));
  }
  FASTNN_INLINE void add_product(std::size_t n, Vector<T> a, Vector<T> b) {
    T* chain = sums_ + n % kMostChains;
    const Bits<T> real = are_units<T>(n, units_);
    store(chain, fma(real ? a : Vector<T>{}, real ? b : Vector<T>{}, load(chain)));
  }

  // Returns the sum in every lane. Call it once.
  FASTNN_INLINE Vector<T> total() { return splat(sum_by_halves<kMostChains>(sums_)); }

 private:
  std::size_t units_;
  alignas(kVectorBytes) T sums_[kMostChains] = {};
};

}  // namespace
}  // namespace fastnn::FASTNN_ISA
