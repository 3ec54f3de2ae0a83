// The GIL, released while the core computes for long.
#pragma once

#include <pybind11/pybind11.h>
#include <unistd.h>

#include <chrono>

#if defined(__GLIBCXX__)
#include <cxxabi.h>
#endif

namespace fastnn::border {

// Like pybind11's gil_scoped_release, for daemon threads too: when the interpreter has ended meanwhile, Python before
// 3.14 ends the thread by unwinding its stack, which no destructor survives. Such a thread waits here for the process
// to end, as in Python 3.14 (test_a_program_may_end_while_daemon_threads_predict).
class GilRelease {
 public:
  GilRelease() : state_(PyEval_SaveThread()) {}
  ~GilRelease() { take_back(); }
  GilRelease(const GilRelease&) = delete;
  GilRelease& operator=(const GilRelease&) = delete;

  // Lets Python's handlers run for signals that came meanwhile, every 20 ms at most: taking the GIL where others want
  // it may take 5 ms. False when one raised, as Ctrl-C does: its exception is set.
  bool no_signal() {
    const auto now = std::chrono::steady_clock::now();
    const bool first = next_ == std::chrono::steady_clock::time_point();
    if (!first && now < next_) return true;
    next_ = now + std::chrono::milliseconds(20);
    if (first) return true;
    take_back();
    const bool none = PyErr_CheckSignals() == 0;
    state_ = PyEval_SaveThread();
    return none;
  }

 private:
  void take_back() {
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

  PyThreadState* state_;
  std::chrono::steady_clock::time_point next_{};
};

}  // namespace fastnn::border
