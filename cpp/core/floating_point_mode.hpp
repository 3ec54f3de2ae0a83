// Sets the default floating-point mode for the duration of a call: round to nearest, subnormals kept, exceptions
// masked. The destructor restores the caller's mode. Reading the mode takes a few cycles and writing it tens, so it is
// written only if it differs.
#pragma once

#include <cstdint>

namespace fastnn {

class DefaultFloatingPointMode {
 public:
#if defined(__x86_64__)
  using Word = std::uint32_t;
#else
  using Word = std::uint64_t;
#endif

  // Sets this thread's mode (default if omitted) and returns the old one. Use when RAII does not fit.
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
  static constexpr Word kDefault = 0x1f80;  // MXCSR: all exceptions masked, round to nearest, FTZ and DAZ off
  static constexpr Word kStatus = 0x3f;     // the sticky exception flags
  static Word read() { return __builtin_ia32_stmxcsr(); }
  static void write(Word word) { __builtin_ia32_ldmxcsr(word); }
#elif defined(__aarch64__)
  static constexpr Word kDefault = 0;  // FPCR: no traps, round to nearest, FZ and DN (default NaN) off
  static constexpr Word kStatus = 0;   // aarch64 keeps the exception flags in FPSR
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
