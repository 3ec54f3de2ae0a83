// Memory of a thread for the numbers of a block of rows, kept from call to call.
#pragma once

#include <cstddef>

#include "memory.hpp"

namespace fastnn {

// A thread keeps this much scratch for its next call; a row so wide that it needs more takes it and gives it back.
constexpr std::size_t kKeptScratchBytes = 64 * 1024 * 1024;

// A buffer of at least `size` numbers, which the thread keeps for its next call. While it is in use, a nested call on
// this thread (from a signal handler) finds no kept buffer and allocates its own.
template <class T>
class Scratch {
 public:
  explicit Scratch(std::size_t size) {
    if (AlignedBuffer<T>* kept = left()) buffer_.swap(*kept);
    if (buffer_.size() >= size) return;
    buffer_ = AlignedBuffer<T>();
    buffer_ = AlignedBuffer<T>(size);
  }
  ~Scratch() {
    if (buffer_.size() * sizeof(T) > kKeptScratchBytes) return;
    if (AlignedBuffer<T>* kept = left()) buffer_.swap(*kept);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  T* data() { return buffer_.data(); }

 private:
  // The buffer kept from the last call. Null after the thread has destroyed it on exit: destructors of other
  // thread_local objects may still call (calls_at_the_end.cpp).
  static AlignedBuffer<T>* left() {
    thread_local bool ended = false;
    struct Left {
      AlignedBuffer<T> buffer;
      ~Left() { ended = true; }
    };
    if (ended) return nullptr;  // before the definition below, which must not run again after destruction
    thread_local Left left;
    return &left.buffer;
  }
  AlignedBuffer<T> buffer_;
};

}  // namespace fastnn
