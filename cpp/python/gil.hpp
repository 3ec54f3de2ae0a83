// The GIL, released while the core computes for long.
#pragma once

#include <pybind11/pybind11.h>
#include <unistd.h>

#include <chrono>

#include "fastnn/function_ref.hpp"

#if defined(__GLIBCXX__)
#include <cxxabi.h>
#endif

namespace fastnn::border {

// Calls what may take the GIL back. In a daemon thread whose interpreter has ended meanwhile, Python before 3.14 then
// unwinds the stack, which no destructor of a Python object survives. Such a thread waits here, before the first of
// them, for the process to end, as in Python 3.14 (test_a_program_may_end_while_daemon_threads_…).
template <class Call>
#if defined(__GLIBCXX__)
__attribute__((no_sanitize("undefined")))  // such an unwinding has no object: gcc binds the reference to null
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

// function(*arguments, **named), of Python's code or NumPy's, which let go of the GIL at times.
inline pybind11::object call(pybind11::handle function, const pybind11::tuple& arguments, pybind11::handle named = {}) {
  PyObject* result = taking_gil([&] { return PyObject_Call(function.ptr(), arguments.ptr(), named.ptr()); });
  if (result == nullptr) throw pybind11::error_already_set();
  return pybind11::reinterpret_steal<pybind11::object>(result);
}

// Python's main thread, the only one to run signals' handlers, is the oldest; after a fork there is one. Needs the GIL,
// under which states leave the list; they are added at its head, behind which this walks.
inline bool on_main_thread() {
  PyThreadState* oldest = PyInterpreterState_ThreadHead(PyInterpreterState_Get());
  while (PyThreadState* next = PyThreadState_Next(oldest)) oldest = next;
  return oldest == PyThreadState_Get();
}

// Like pybind11's gil_scoped_release, for daemon threads too.
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
    taking_gil([&] { PyEval_RestoreThread(state_); });
  }

  PyThreadState* state_;
  std::chrono::steady_clock::time_point next_{};
};

// What run(go_on) returns, called without the GIL; on Python's main thread go_on heeds signals.
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
