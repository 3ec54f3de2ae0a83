// Zeroed memory aligned to cache lines, for packed weights and scratch. Sizes are checked for overflow, so that a size
// from a file can never wrap around to a small allocation.
#pragma once

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

template <class T>
class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  explicit AlignedBuffer(std::size_t size)
      : data_(static_cast<T*>(::operator new(checked_product(size, sizeof(T)), kAlignment))), size_(size) {
    if (size > 0) std::memset(data_, 0, size * sizeof(T));
  }
  ~AlignedBuffer() {
    if (data_ != nullptr) ::operator delete(data_, kAlignment);
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
  static constexpr std::align_val_t kAlignment{64};
  T* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace fastnn
