// Releases the GIL during long computations, and takes it back safely. Two cases make that more than a pybind11 guard:
// daemon threads when the interpreter ends, and signals such as Ctrl-C.
#pragma once

#include <pybind11/pybind11.h>
#include <unistd.h>

#include <chrono>

#include "../core/floating_point_mode.hpp"
#include "fastnn/function_ref.hpp"

#if defined(__GLIBCXX__)
#include <cxxabi.h>
#endif

namespace fastnn::border {

// Runs call(), which may take the GIL back. If the interpreter has ended meanwhile, Python before 3.14 unwinds the
// stack of a daemon thread, and destructors of Python objects would crash. This catches the unwinding before it reaches
// one and waits for the process to end, as Python 3.14 does (test_a_program_may_end_while_daemon_threads_…).
template <class Call>
#if defined(__GLIBCXX__)
__attribute__((no_sanitize("undefined")))  // a forced unwinding has no object: gcc binds the reference to null
#endif
auto taking_gil(const Call& call) {
#if defined(__GLIBCXX__)
  try {
    return call();
  } catch (abi::__forced_unwind&) {
    for (;;) pause();
  }
#else
  return call();
#endif
}

// Returns function(*arguments, **named). Python's and NumPy's functions may release the GIL.
inline pybind11::object call(pybind11::handle function, const pybind11::tuple& arguments, pybind11::handle named = {}) {
  PyObject* result = taking_gil([&] { return PyObject_Call(function.ptr(), arguments.ptr(), named.ptr()); });
  if (result == nullptr) throw pybind11::error_already_set();
  return pybind11::reinterpret_steal<pybind11::object>(result);
}

// Returns whether this is Python's main thread, the only one that runs signal handlers: the oldest thread, or after a
// fork the only one. Requires the GIL, because threads leave the list under it. New threads are added at the head,
// which this walk has passed.
inline bool on_main_thread() {
  PyThreadState* oldest = PyInterpreterState_ThreadHead(PyInterpreterState_Get());
  while (PyThreadState* next = PyThreadState_Next(oldest)) oldest = next;
  return oldest == PyThreadState_Get();
}

// As pybind11::gil_scoped_release, but safe in daemon threads.
class GilRelease {
 public:
  GilRelease() : state_(PyEval_SaveThread()) {}
  ~GilRelease() { take_back(); }
  GilRelease(const GilRelease&) = delete;
  GilRelease& operator=(const GilRelease&) = delete;

  // Runs Python's handlers of pending signals, at most every 20 ms: with contention, taking the GIL may take 5 ms.
  // Returns false if a handler raised, as that of Ctrl-C does; the Python exception is then set.
  bool no_signal() {
    const auto now = std::chrono::steady_clock::now();
    const bool first = next_ == std::chrono::steady_clock::time_point();
    if (!first && now < next_) return true;
    next_ = now + std::chrono::milliseconds(20);
    if (first) return true;
    take_back();
    const bool none = PyErr_CheckSignals() == 0;
    DefaultFloatingPointMode::exchange();  // a handler may have loaded a library that changed it
    state_ = PyEval_SaveThread();
    return none;
  }

 private:
  void take_back() {
    taking_gil([&] { PyEval_RestoreThread(state_); });
  }

  PyThreadState* state_;
  std::chrono::steady_clock::time_point next_{};
};

// Returns run(go_on), called without the GIL. On Python's main thread go_on checks for signals; elsewhere it is empty.
// Throws the exception of a signal handler after run has ended.
template <class Run>
auto without_gil(const Run& run) {
  bool stopped = false;
  const auto result = [&] {
    const bool heeds_signals = on_main_thread();
    GilRelease release;
    const auto go_on = [&] { return !(stopped = !release.no_signal()); };
    return run(heeds_signals ? FunctionRef<bool()>(go_on) : FunctionRef<bool()>());
  }();
  if (stopped) throw pybind11::error_already_set();
  return result;
}

}  // namespace fastnn::border
