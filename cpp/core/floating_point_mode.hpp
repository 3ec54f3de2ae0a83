// The floating-point mode of a call: round to nearest, subnormals kept, exceptions masked, whatever the caller had set;
// the caller's mode comes back at the end. Reading costs a few cycles, changing tens, so it changes only what differs.
#pragma once

#include <cstdint>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace fastnn {

class DefaultFloatingPointMode {
 public:
#if defined(__x86_64__)
  using Word = std::uint32_t;
#else
  using Word = std::uint64_t;
#endif

  // Sets this thread's mode, the default one unless told, and returns what it was: for where no scope is.
  static Word exchange(Word word) {
    const Word before = read();
    write(word);
    return before;
  }
  static Word exchange() { return exchange(kDefault); }

  DefaultFloatingPointMode() : saved_(read()) {
    if ((saved_ & ~kStatus) != kDefault) write(kDefault);
  }
  ~DefaultFloatingPointMode() {
    if ((saved_ & ~kStatus) != kDefault) write(saved_);
  }
  DefaultFloatingPointMode(const DefaultFloatingPointMode&) = delete;
  DefaultFloatingPointMode& operator=(const DefaultFloatingPointMode&) = delete;

 private:
#if defined(__x86_64__)
  static constexpr Word kDefault = 0x1f80;  // MXCSR: all exceptions masked, to nearest, neither FTZ nor DAZ
  static constexpr Word kStatus = 0x3f;     // the sticky exception flags
  static Word read() { return _mm_getcsr(); }
  static void write(Word word) { _mm_setcsr(word); }
#elif defined(__aarch64__)
  static constexpr Word kDefault = 0;  // FPCR: no traps, to nearest, no FZ, no default NaN
  static constexpr Word kStatus = 0;   // the flags are in FPSR
  static Word read() {
    Word word;
    asm volatile("mrs %0, fpcr" : "=r"(word));
    return word;
  }
  static void write(Word word) { asm volatile("msr fpcr, %0" : : "r"(word)); }
#else
#error "fastnn needs x86-64 or aarch64"
#endif
  Word saved_;
};

}  // namespace fastnn
