// The GIL, released while the core computes for long.
#pragma once

#include <pybind11/pybind11.h>
#include <unistd.h>

#if defined(__GLIBCXX__)
#include <cxxabi.h>
#endif

namespace fastnn::border {

// Like pybind11's gil_scoped_release, for daemon threads too: when the interpreter has ended meanwhile, Python before
// 3.14 ends the thread by unwinding its stack, which no destructor survives. Such a thread waits here for the process
// to end, as in Python 3.14 (test_a_program_may_end_while_daemon_threads_predict).
class GilRelease {
 public:
  explicit GilRelease(bool release = true) : state_(release ? PyEval_SaveThread() : nullptr) {}
  ~GilRelease() {
    if (state_ == nullptr) return;
#if defined(__GLIBCXX__)
    try {
      PyEval_RestoreThread(state_);
    } catch (abi::__forced_unwind&) {
      for (;;) pause();
    }
#else
    PyEval_RestoreThread(state_);
#endif
  }
  GilRelease(const GilRelease&) = delete;
  GilRelease& operator=(const GilRelease&) = delete;

 private:
  PyThreadState* state_;
};

}  // namespace fastnn::border
