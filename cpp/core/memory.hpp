// Zeroed memory aligned to cache lines, for packed weights and scratch, and what to tell the system about memory. Sizes
// are checked for overflow, so that a size from a file can never wrap around to a small allocation.
#pragma once

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include <cstddef>
#include <cstring>
#include <limits>
#include <new>
#include <utility>

namespace fastnn {

// Returns a * b. Throws std::bad_alloc on overflow: no machine has so much memory.
inline std::size_t checked_product(std::size_t a, std::size_t b) {
  if (b != 0 && a > std::numeric_limits<std::size_t>::max() / b) throw std::bad_alloc();
  return a * b;
}

// Returns a + b. Throws std::bad_alloc on overflow.
inline std::size_t checked_sum(std::size_t a, std::size_t b) {
  if (a > std::numeric_limits<std::size_t>::max() - b) throw std::bad_alloc();
  return a + b;
}

// A huge page of Linux on x86-64, and on aarch64 with pages of 4 KiB. A CPU translates addresses in few large pages
// faster than in many small ones. A buffer of this size is aligned to it, since huge pages begin at multiples of it.
constexpr std::size_t kHugePageBytes = std::size_t{1} << 21;
constexpr std::size_t kCacheLineBytes = 64;  // as wide as the widest vector

// Of memory that has not been written yet: the first write gives it its pages. If the system refuses, pages are small.
inline void ask_for_huge_pages([[maybe_unused]] void* data, [[maybe_unused]] std::size_t bytes) {
#if defined(__linux__)
  if (bytes >= kHugePageBytes) madvise(data, bytes, MADV_HUGEPAGE);
#endif
}

// Lets the system take back the pages of memory that holds nothing: it does so when memory is short, but not once they
// are written again. The end stays, since others may have its pages too.
inline void offer_pages([[maybe_unused]] void* data, [[maybe_unused]] std::size_t bytes) {
#if defined(__linux__)
  madvise(data, bytes / kHugePageBytes * kHugePageBytes, MADV_FREE);
#endif
}

template <class T>
class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  explicit AlignedBuffer(std::size_t size)
      : data_(static_cast<T*>(::operator new(checked_product(size, sizeof(T)), alignment(size)))), size_(size) {
    ask_for_huge_pages(data_, size * sizeof(T));
    if (size > 0) std::memset(data_, 0, size * sizeof(T));
  }
  ~AlignedBuffer() {
    if (data_ != nullptr) ::operator delete(data_, alignment(size_));
  }
  AlignedBuffer(AlignedBuffer&& other) noexcept { swap(other); }
  AlignedBuffer& operator=(AlignedBuffer&& other) noexcept {
    swap(other);
    return *this;
  }
  void swap(AlignedBuffer& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
  }

  T* data() { return data_; }
  const T* data() const { return data_; }
  std::size_t size() const { return size_; }

 private:
  static constexpr std::align_val_t alignment(std::size_t size) {
    return std::align_val_t{size * sizeof(T) >= kHugePageBytes ? kHugePageBytes : kCacheLineBytes};
  }

  T* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace fastnn
