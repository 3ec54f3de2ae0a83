// tanh of four vectors of floats at a time, with AVX2: the operations of tanh in math.hpp, and so the same bits.
// Numbers of a table are put together from their bytes. One shuffle looks up a byte for all four vectors, so a number
// takes three shuffles for each vector. look_up.hpp takes two, but also three loads from addresses that it must first
// compute.
#pragma once

#include "math.hpp"
#include "vector_runs.hpp"

namespace fastnn::FASTNN_ISA {
namespace {

#if defined(__AVX2__) && !defined(__AVX512F__)

// Byte b of number i of table t is bytes[t][b][i].
struct TanhBytes {
  static constexpr int kTables = TanhTable<float>::kDegree + 2;
  alignas(16) std::uint8_t bytes[kTables][4][16] = {};
  constexpr TanhBytes() {
    for (int t = 0; t < kTables; ++t)
      for (int b = 0; b < 4; ++b)
        for (int i = 0; i < 16; ++i)
          bytes[t][b][i] =
              static_cast<std::uint8_t>(__builtin_bit_cast(std::uint32_t, TanhTable<float>::kNumbers[t][i]) >> (8 * b));
  }
};
constexpr TanhBytes kTanhBytes;

// found[v] = number i of table t for the index i in each lane of vector v.
FASTNN_INLINE void look_up_four(int t, __m256i indices, Vector<float> (&found)[4]) {
  const auto of_all = [&](int b) FASTNN_INLINE_LAMBDA {
    const auto* from = reinterpret_cast<const __m128i*>(kTanhBytes.bytes[t][b]);
    return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(_mm_load_si128(from)), indices);
  };
  const __m256i first = of_all(0), second = of_all(1), third = of_all(2), fourth = of_all(3);
  const __m256i low = _mm256_unpacklo_epi8(first, second), low_ends = _mm256_unpacklo_epi8(third, fourth);
  const __m256i high = _mm256_unpackhi_epi8(first, second), high_ends = _mm256_unpackhi_epi8(third, fourth);
  found[0] = (Vector<float>)_mm256_unpacklo_epi16(low, low_ends);
  found[1] = (Vector<float>)_mm256_unpackhi_epi16(low, low_ends);
  found[2] = (Vector<float>)_mm256_unpacklo_epi16(high, high_ends);
  found[3] = (Vector<float>)_mm256_unpackhi_epi16(high, high_ends);
}

// Replaces vectors, `step` elements apart, by their tanh.
inline void tanh_by_fours(float* data, std::ptrdiff_t step, std::size_t vectors) {
  using Table = TanhTable<float>;
  for (; vectors >= 4; vectors -= 4, data += 4 * step) {
    Vector<float> t[4], p[4], found[4];
    Bits<float> index[4];
#pragma GCC unroll 4
    for (int v = 0; v < 4; ++v) {
      t[v] = at_most(splat(Table::kLimit), absolute<float>(load(data + v * step)));
      index[v] = to_bits<float>(fma(t[v], splat(Table::kScale), splat(2.0f))) >> (kFractionBits<float> - 2) & 15;
    }
    // Within each 16 bytes: four of the first vector, four of the second, …
    const __m256i indices = _mm256_packus_epi16(_mm256_packus_epi32((__m256i)index[0], (__m256i)index[1]),
                                                _mm256_packus_epi32((__m256i)index[2], (__m256i)index[3]));
    look_up_four(0, indices, found);
#pragma GCC unroll 4
    for (int v = 0; v < 4; ++v) t[v] = t[v] - found[v];
    look_up_four(1, indices, p);
#pragma GCC unroll 8
    for (int k = 2; k <= Table::kDegree; ++k) {
      look_up_four(k, indices, found);
#pragma GCC unroll 4
      for (int v = 0; v < 4; ++v) p[v] = fma(p[v], t[v], found[v]);
    }
    look_up_four(Table::kDegree + 1, indices, found);
#pragma GCC unroll 4
    for (int v = 0; v < 4; ++v) {
      // The value is 0 in the first interval alone, whose centre is 0 too. So t is |x| there.
      const Vector<float> base = found[v] == Vector<float>{} ? t[v] : found[v];
      store(data + v * step, with_sign_of<float>(load(data + v * step), fma(t[v], p[v], base)));
    }
  }
  for (; vectors > 0; --vectors, data += step) store(data, tanh<float>(load(data)));
}

#endif

// Applies tanh to some units of a block in place; returns false if it is left to the element-wise kernels.
template <class T>
bool apply_tanh_by_fours(const Block<T>& y, Range units) {
#if defined(__AVX2__) && !defined(__AVX512F__)
  if constexpr (sizeof(T) == 4) {
    for_each_vector_run(y, units, 4, tanh_by_fours);
    return true;
  }
#endif
  static_cast<void>(y);
  static_cast<void>(units);
  return false;
}

}  // namespace
}  // namespace fastnn::FASTNN_ISA
