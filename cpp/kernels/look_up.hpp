// Looks up numbers in tables of 16, one index for each lane. A `Table` has kNumbers[tables][16].
#pragma once

#include "simd.hpp"

namespace fastnn::FASTNN_ISA {
namespace {

// The tables of 16 numbers of a `Table`, as rows: the numbers of one index side by side, in whole blocks of 16 bytes.
template <class Table, class T>
struct Rows {
  static constexpr int kBlock = 16 / sizeof(T);
  static constexpr int kTables = sizeof(Table::kNumbers) / sizeof(Table::kNumbers[0]);
  static constexpr int kWidth = (kTables + kBlock - 1) / kBlock * kBlock;
  alignas(kVectorBytes) T numbers[16][kWidth] = {};
  constexpr Rows() {
    for (int i = 0; i < 16; ++i)
      for (int t = 0; t < kTables; ++t) numbers[i][t] = Table::kNumbers[t][i];
  }
};
template <class Table, class T>
constexpr Rows<Table, T> kRows;

// Interleaves a and b within each 16 bytes, `width` lanes at a time: a gets the first half of both, b the second half.
template <int width, class T, int... lane>
FASTNN_INLINE void interleave_blocks(Vector<T>& a, Vector<T>& b, std::integer_sequence<int, lane...>) {
  constexpr int lanes = sizeof...(lane), block = 16 / sizeof(T);
  const auto from = [](int i, int half) constexpr {
    const int in_block = i % block, place = in_block / (2 * width) * width + in_block % width;
    return i / block * block + half * block / 2 + place + (in_block / width % 2) * lanes;
  };
  const Vector<T> first = __builtin_shufflevector(a, b, from(lane, 0)...);
  b = __builtin_shufflevector(a, b, from(lane, 1)...);
  a = first;
}

#if !defined(__AVX512F__)

// As look_up below. A row's numbers are loaded 16 bytes at a time and transposed within each 16 bytes of a vector.
template <class Table, class T, std::size_t n>
FASTNN_INLINE void look_up_rows(Bits<T> index, Vector<T> (&found)[n]) {
  using Row = Rows<Table, T>;
  constexpr int kBlock = Row::kBlock;
  static_assert(n == Row::kTables);
  const auto offsets = reinterpret_cast<Bits<double>>((index & 15) * Integer<T>{sizeof(T) * Row::kWidth});
  const auto* const table = reinterpret_cast<const char*>(kRows<Table, T>.numbers);
  const T* rows[kLanes<T>];
  for (int i = 0; i < kLanes<double>; ++i) {
    const auto offset = static_cast<std::uint64_t>(offsets[i]);  // of two rows in 32 bits each, if T is float
    if constexpr (sizeof(T) == 8) {
      rows[i] = reinterpret_cast<const T*>(table + offset);
    } else {
      rows[2 * i] = reinterpret_cast<const T*>(table + static_cast<std::uint32_t>(offset));
      rows[2 * i + 1] = reinterpret_cast<const T*>(table + (offset >> 32));
    }
  }
  constexpr auto kSequence = std::make_integer_sequence<int, kLanes<T>>{};
#pragma GCC unroll 8
  for (int t = 0; t < Row::kWidth; t += kBlock) {
    Vector<T> v[kBlock];
#pragma GCC unroll 4
    for (int i = 0; i < kBlock; ++i) {
#if defined(__AVX2__)
      const auto half = [&](const T* row)
                            FASTNN_INLINE_LAMBDA { return _mm_load_si128(reinterpret_cast<const __m128i*>(row + t)); };
      v[i] = (Vector<T>)_mm256_inserti128_si256(_mm256_castsi128_si256(half(rows[i])), half(rows[i + kBlock]), 1);
#else
      v[i] = load(rows[i] + t);
#endif
    }
    interleave_blocks<1, T>(v[0], v[1], kSequence);
    if constexpr (kBlock == 4) {
      interleave_blocks<1, T>(v[2], v[3], kSequence);
      interleave_blocks<2, T>(v[0], v[2], kSequence);
      interleave_blocks<2, T>(v[1], v[3], kSequence);
    }
    constexpr int kOrder[] = {0, kBlock == 4 ? 2 : 1, 1, 3};
#pragma GCC unroll 4
    for (int i = 0; i < kBlock; ++i)
      if (t + i < Row::kTables) found[t + i] = v[kOrder[i]];
  }
}

#endif

// found[t] = Table::kNumbers[t][i mod 16] for the index i in each lane and all tables t.
template <class Table, class T, std::size_t n>
FASTNN_INLINE void look_up(Bits<T> index, Vector<T> (&found)[n]) {
#if defined(__AVX512F__)
  for (std::size_t t = 0; t < n; ++t) {
    const auto& table = Table::kNumbers[t];
    if constexpr (sizeof(T) == 4)
      found[t] = (Vector<T>)_mm512_permutexvar_ps((__m512i)index, (__m512)load(table));
    else
      found[t] = (Vector<T>)_mm512_permutex2var_pd((__m512d)load(table), (__m512i)index, (__m512d)load(table + 8));
  }
#else
#if defined(__AVX2__)
  if constexpr (sizeof(T) == 4 && n <= 4) {  // two permutes and a blend for each table, without the addresses of rows
    for (std::size_t t = 0; t < n; ++t) {
      const auto eight = [&](const T* from) FASTNN_INLINE_LAMBDA {
        return _mm256_permutevar8x32_ps((__m256)load(from), (__m256i)index);
      };
      const T* table = Table::kNumbers[t];
      found[t] = (Vector<T>)_mm256_blendv_ps(eight(table), eight(table + 8), (__m256)(index << 28));
    }
    return;
  }
#endif
  look_up_rows<Table, T>(index, found);
#endif
}

}  // namespace
}  // namespace fastnn::FASTNN_ISA
