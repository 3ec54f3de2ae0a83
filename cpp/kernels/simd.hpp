// The vocabulary of the kernels: vectors of T, as wide as the instruction set that this file is compiled for.
// + - * / and comparisons are the compiler's vector operators, each one IEEE operation per lane. A comparison gives an
// integer mask, and `mask ? a : b` selects. This file names only operations that have no operator.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#define FASTNN_INLINE inline __attribute__((always_inline))
#define FASTNN_INLINE_LAMBDA __attribute__((always_inline))

// The unnamed namespace gives every object file its own copy. Otherwise the linker could keep a function that was
// compiled for a newer CPU, and an older CPU would run it.
namespace fastnn::FASTNN_ISA {
namespace {

#if defined(__AVX512F__)
constexpr int kVectorBytes = 64;
constexpr int kRegisters = 32;
#elif defined(__AVX2__)
constexpr int kVectorBytes = 32;
constexpr int kRegisters = 16;
#elif defined(__aarch64__)
constexpr int kVectorBytes = 16;
constexpr int kRegisters = 32;
#else
constexpr int kVectorBytes = 16;
constexpr int kRegisters = 8;  // of 16; the software fma needs the other 8
#endif

template <class T>
struct VectorOf;
template <>
struct VectorOf<float> {
  using Integer = std::int32_t;
  typedef float Type __attribute__((vector_size(kVectorBytes)));
  typedef float Unaligned __attribute__((vector_size(kVectorBytes), aligned(4), may_alias));
  typedef std::int32_t Bits __attribute__((vector_size(kVectorBytes)));
};
template <>
struct VectorOf<double> {
  using Integer = std::int64_t;
  typedef double Type __attribute__((vector_size(kVectorBytes)));
  typedef double Unaligned __attribute__((vector_size(kVectorBytes), aligned(8), may_alias));
  typedef std::int64_t Bits __attribute__((vector_size(kVectorBytes)));
};

template <class T>
using Vector = typename VectorOf<T>::Type;
template <class T>
using Bits = typename VectorOf<T>::Bits;  // integers as wide as T; also the result of a comparison (0 or -1)
template <class T>
using Integer = typename VectorOf<T>::Integer;

template <class T>
constexpr T kInfinity = static_cast<T>(__builtin_inf());
template <class T>
constexpr T kNaN = static_cast<T>(__builtin_nan(""));  // the one NaN of fastnn: quiet, empty payload, sign 0

constexpr int kIntoLevel1 = 3, kIntoLevel2 = 2;  // for __builtin_prefetch

template <class T>
constexpr int kLanes = kVectorBytes / static_cast<int>(sizeof(T));
constexpr std::ptrdiff_t stride(std::size_t elements) { return static_cast<std::ptrdiff_t>(elements); }

template <class T>
FASTNN_INLINE Vector<T> load(const T* from) {
  return *reinterpret_cast<const typename VectorOf<T>::Unaligned*>(from);
}

template <class T>
FASTNN_INLINE void store(T* to, Vector<T> v) {
  *reinterpret_cast<typename VectorOf<T>::Unaligned*>(to) = v;
}

// Keeps v in a register. Otherwise gcc uses memory operands and loads v again for every fma.
template <class V>
FASTNN_INLINE void keep(V& v) {
#if defined(__aarch64__)
  asm("" : "+w"(v));
#elif defined(__AVX512F__)
  asm("" : "+v"(v));
#else
  asm("" : "+x"(v));
#endif
}

// x - {0}, not {0} + x: -0.0 must stay -0.0. Both compile to one broadcast.
template <class T>
FASTNN_INLINE Vector<T> splat(T x) {
  return x - Vector<T>{};
}
template <class T>
FASTNN_INLINE Bits<T> splat_bits(Integer<T> x) {
  return x - Bits<T>{};
}

// Returns 0, 1, 2, …, one number per lane.
template <class T>
FASTNN_INLINE Bits<T> lane_numbers() {
  Bits<T> numbers = {};
  for (int i = 0; i < kLanes<T>; ++i) numbers[i] = i;
  return numbers;
}

#if defined(__AVX2__) && !defined(__AVX512F__)
template <class T>
FASTNN_INLINE __m256i mask_of_first(std::size_t n) {
  return reinterpret_cast<__m256i>(lane_numbers<T>() < static_cast<Integer<T>>(n));
}
#endif

// Loads or stores the first n elements, 0 <= n <= kLanes, and no others. The other lanes are loaded as 0.
template <class T>
FASTNN_INLINE Vector<T> load_first(const T* from, std::size_t n) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 4)
    return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << n) - 1), from);
  else
    return _mm512_maskz_loadu_pd(static_cast<__mmask8>((1u << n) - 1), from);
#elif defined(__AVX2__)
  if constexpr (sizeof(T) == 4)
    return _mm256_maskload_ps(from, mask_of_first<T>(n));
  else
    return _mm256_maskload_pd(from, mask_of_first<T>(n));
#else
  Vector<T> v = {};
  for (std::size_t i = 0; i < n; ++i) v[i] = from[i];
  return v;
#endif
}

template <class T>
FASTNN_INLINE void store_first(T* to, Vector<T> v, std::size_t n) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 4)
    _mm512_mask_storeu_ps(to, static_cast<__mmask16>((1u << n) - 1), v);
  else
    _mm512_mask_storeu_pd(to, static_cast<__mmask8>((1u << n) - 1), v);
#elif defined(__AVX2__)
  // In pieces: AMD's CPUs split a masked store into 40 operations. n is the same from row to row, so they foresee it.
  if (n == kLanes<T>) return store(to, v);
  if constexpr (sizeof(T) == 4) {
    __m128 left = _mm256_castps256_ps128((__m256)v);
    if (n & 4) {
      _mm_storeu_ps(to, left);
      left = _mm256_extractf128_ps((__m256)v, 1);
    }
    if (n & 2) {
      _mm_storel_pi(reinterpret_cast<__m64*>(to + (n & 4)), left);
      left = _mm_movehl_ps(left, left);
    }
    if (n & 1) _mm_store_ss(to + (n & 6), left);
  } else {
    __m128d left = _mm256_castpd256_pd128((__m256d)v);
    if (n & 2) {
      _mm_storeu_pd(to, left);
      left = _mm256_extractf128_pd((__m256d)v, 1);
    }
    if (n & 1) _mm_store_sd(to + (n & 2), left);
  }
#else
  for (std::size_t i = 0; i < n; ++i) to[i] = v[i];
#endif
}

template <class T>
FASTNN_INLINE Bits<T> to_bits(Vector<T> v) {
  return reinterpret_cast<Bits<T>>(v);
}
template <class T>
FASTNN_INLINE Vector<T> from_bits(Bits<T> b) {
  return reinterpret_cast<Vector<T>>(b);
}

// fma(a, b, c) = a·b + c with one rounding.
#if defined(__AVX512F__)

FASTNN_INLINE Vector<float> fma(Vector<float> a, Vector<float> b, Vector<float> c) { return _mm512_fmadd_ps(a, b, c); }
FASTNN_INLINE Vector<double> fma(Vector<double> a, Vector<double> b, Vector<double> c) {
  return _mm512_fmadd_pd(a, b, c);
}

#elif defined(__AVX2__)

FASTNN_INLINE Vector<float> fma(Vector<float> a, Vector<float> b, Vector<float> c) { return _mm256_fmadd_ps(a, b, c); }
FASTNN_INLINE Vector<double> fma(Vector<double> a, Vector<double> b, Vector<double> c) {
  return _mm256_fmadd_pd(a, b, c);
}

#elif defined(__aarch64__)

FASTNN_INLINE Vector<float> fma(Vector<float> a, Vector<float> b, Vector<float> c) {
  return (Vector<float>)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
}
FASTNN_INLINE Vector<double> fma(Vector<double> a, Vector<double> b, Vector<double> c) {
  return (Vector<double>)vfmaq_f64((float64x2_t)c, (float64x2_t)a, (float64x2_t)b);
}

#else

// Without an fma in hardware. In binary64 the product of two floats is exact. The sum is rounded to odd: its last bit
// is set if anything was lost. Then rounding to binary32 is correct, since 53 >= 2·24 + 2 bits.
// (S. Boldo, G. Melquiond, "Emulation of a FMA and correctly rounded sums: proved algorithms using rounding to odd",
// 2008.) A call takes no longer than these 40 instructions in place, and gcc half of the time to compile the kernels.
__attribute__((noinline)) Vector<float> fma(Vector<float> a, Vector<float> b, Vector<float> c) {
  typedef double Wide __attribute__((vector_size(2 * kVectorBytes)));
  typedef std::int64_t WideBits __attribute__((vector_size(2 * kVectorBytes)));
  const Wide product = __builtin_convertvector(a, Wide) * __builtin_convertvector(b, Wide);
  const Wide addend = __builtin_convertvector(c, Wide);
  const Wide sum = product + addend;
  const Wide part = sum - product;
  const Wide lost = (product - (sum - part)) + (addend - part);  // exact (two-sum); NaN if the sum is infinite or NaN
  const WideBits bits = reinterpret_cast<WideBits>(sum);
  const WideBits outwards = (lost > 0) == (sum > 0);  // -1 if |sum| is below the exact value, else 0
  const WideBits odd = bits - (outwards + outwards) - 1;
  const WideBits inexact = (lost > 0) | (lost < 0);
  const WideBits adjust = inexact & ((bits & 1) == 0);
  return __builtin_convertvector(reinterpret_cast<Wide>((odd & adjust) | (bits & ~adjust)), Vector<float>);
}
FASTNN_INLINE Vector<double> fma(Vector<double> a, Vector<double> b, Vector<double> c) {
  Vector<double> result = {};
  for (int i = 0; i < kLanes<double>; ++i) result[i] = __builtin_fma(a[i], b[i], c[i]);
  return result;
}

#endif

// fma(a, b, c) in the lower half of the lanes; the upper half is undefined. CPUs whose units are 256 bits wide take
// half of the time for it.
template <class T>
FASTNN_INLINE Vector<T> fma_of_half(Vector<T> a, Vector<T> b, Vector<T> c) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 4) {
    const auto half = [](Vector<T> v) FASTNN_INLINE_LAMBDA { return _mm512_castps512_ps256((__m512)v); };
    return (Vector<T>)_mm512_castps256_ps512(_mm256_fmadd_ps(half(a), half(b), half(c)));
  } else {
    const auto half = [](Vector<T> v) FASTNN_INLINE_LAMBDA { return _mm512_castpd512_pd256((__m512d)v); };
    return (Vector<T>)_mm512_castpd256_pd512(_mm256_fmadd_pd(half(a), half(b), half(c)));
  }
#else
  return fma(a, b, c);
#endif
}

// c - a·b with one rounding. gcc does not make it of an fma and a minus.
template <class T>
FASTNN_INLINE Vector<T> fnma(Vector<T> a, Vector<T> b, Vector<T> c) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 4)
    return (Vector<T>)_mm512_fnmadd_ps((__m512)a, (__m512)b, (__m512)c);
  else
    return (Vector<T>)_mm512_fnmadd_pd((__m512d)a, (__m512d)b, (__m512d)c);
#elif defined(__AVX2__)
  if constexpr (sizeof(T) == 4)
    return (Vector<T>)_mm256_fnmadd_ps((__m256)a, (__m256)b, (__m256)c);
  else
    return (Vector<T>)_mm256_fnmadd_pd((__m256d)a, (__m256d)b, (__m256d)c);
#else
  return fma(-a, b, c);
#endif
}

// Correctly rounded square root, as IEEE 754 requires. gcc has no operator or builtin for it on 128-bit vectors.
template <class T>
FASTNN_INLINE Vector<T> sqrt(Vector<T> x) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 4)
    return (Vector<T>)_mm512_sqrt_ps((__m512)x);
  else
    return (Vector<T>)_mm512_sqrt_pd((__m512d)x);
#elif defined(__AVX2__)
  if constexpr (sizeof(T) == 4)
    return (Vector<T>)_mm256_sqrt_ps((__m256)x);
  else
    return (Vector<T>)_mm256_sqrt_pd((__m256d)x);
#elif defined(__aarch64__)
  if constexpr (sizeof(T) == 4)
    return (Vector<T>)vsqrtq_f32((float32x4_t)x);
  else
    return (Vector<T>)vsqrtq_f64((float64x2_t)x);
#else
  if constexpr (sizeof(T) == 4)
    return (Vector<T>)_mm_sqrt_ps((__m128)x);
  else
    return (Vector<T>)_mm_sqrt_pd((__m128d)x);
#endif
}

// Whether there is sqrt_by_fmas.
template <class T>
constexpr bool kHasRootsByFmas = kVectorBytes == 64 && sizeof(T) == 4;

// As sqrt, without the unit of divisions: two steps of Newton's method from an approximation to 14 bits, the second
// with the exact remainder x - root² (P. Markstein, "Software division and square root using Goldschmidt's algorithms",
// 2004). That is exact for 0 and from 2^-100 on. A vector with another number, infinity or NaN is left to sqrt.
template <class T>
FASTNN_INLINE Vector<T> sqrt_by_fmas(Vector<T> x) {
  static_assert(kHasRootsByFmas<T>);
#if defined(__AVX512F__)
  constexpr int kLeastBits = (127 - 100) << 23, kInfinityBits = 255 << 23;
  const Vector<T> half = splat<T>(0.5f), least = splat<T>(0x1p-100f);  // so that 0 has a reciprocal
  const auto reciprocal = (Vector<T>)_mm512_rsqrt14_ps(_mm512_max_ps((__m512)x, (__m512)least));
  const Vector<T> root = x * reciprocal, half_reciprocal = half * reciprocal;
  const Vector<T> error = fnma<T>(root, half_reciprocal, half);
  const Vector<T> better_root = fma(root, error, root), better_half = fma(half_reciprocal, error, half_reciprocal);
  const Vector<T> exact = fma(fnma<T>(better_root, better_root, x), better_half, better_root);
  const __mmask16 others = _mm512_cmpge_epu32_mask(_mm512_sub_epi32((__m512i)x, _mm512_set1_epi32(kLeastBits)),
                                                   _mm512_set1_epi32(kInfinityBits - kLeastBits));
  const bool is_left = _mm512_mask_cmp_ps_mask(others, (__m512)x, _mm512_setzero_ps(), _CMP_NEQ_UQ) != 0;
  return __builtin_expect(is_left, 0) ? sqrt<T>(x) : exact;
#else
  return sqrt<T>(x);
#endif
}

// at_least: x < low ? low : x. at_most: x > high ? high : x. Both keep NaN and the sign of 0. The x86 instructions fit:
// they return their second operand unless the first is greater (or less).
#if defined(__AVX512F__)

FASTNN_INLINE Vector<float> at_least(Vector<float> low, Vector<float> x) { return _mm512_max_ps(low, x); }
FASTNN_INLINE Vector<double> at_least(Vector<double> low, Vector<double> x) { return _mm512_max_pd(low, x); }
FASTNN_INLINE Vector<float> at_most(Vector<float> high, Vector<float> x) { return _mm512_min_ps(high, x); }
FASTNN_INLINE Vector<double> at_most(Vector<double> high, Vector<double> x) { return _mm512_min_pd(high, x); }

#elif defined(__AVX2__)

FASTNN_INLINE Vector<float> at_least(Vector<float> low, Vector<float> x) { return _mm256_max_ps(low, x); }
FASTNN_INLINE Vector<double> at_least(Vector<double> low, Vector<double> x) { return _mm256_max_pd(low, x); }
FASTNN_INLINE Vector<float> at_most(Vector<float> high, Vector<float> x) { return _mm256_min_ps(high, x); }
FASTNN_INLINE Vector<double> at_most(Vector<double> high, Vector<double> x) { return _mm256_min_pd(high, x); }

#else

template <class V>
FASTNN_INLINE V at_least(V low, V x) {
  return x < low ? low : x;
}
template <class V>
FASTNN_INLINE V at_most(V high, V x) {
  return x > high ? high : x;
}

#endif

// One stage of a transposition. Take a above b, divided into squares of `width` lanes: every upper right square swaps
// with the lower left one.
template <int width, class T, int... lane>
FASTNN_INLINE void swap_squares(Vector<T>& a, Vector<T>& b, std::integer_sequence<int, lane...>) {
  constexpr int lanes = sizeof...(lane);
  const Vector<T> upper = __builtin_shufflevector(a, b, (lane & width ? lanes + lane - width : lane)...);
  b = __builtin_shufflevector(a, b, (lane & width ? lanes + lane : lane + width)...);
  a = upper;
}

// Transposes a square in registers: element (i, j) swaps with (j, i).
template <class T, int width = kLanes<T> / 2>
FASTNN_INLINE void transpose(Vector<T> (&square)[kLanes<T>]) {
#pragma GCC unroll 16
  for (int i = 0; i < kLanes<T>; ++i)
    if ((i & width) == 0)
      swap_squares<width, T>(square[i], square[i + width], std::make_integer_sequence<int, kLanes<T>>{});
  if constexpr (width > 1) transpose<T, width / 2>(square);
}

}  // namespace
}  // namespace fastnn::FASTNN_ISA
