// A trainer as Python holds it: one call at a time.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "arrays.hpp"
#include "fastnn/trainer.hpp"
#include "gil.hpp"  // and pid_t

namespace fastnn::border {

// A trainer changes, but the object around it never does. `user` is the process whose call has the trainer, negative if
// that call only reads it, 0 if none has it; `thread` is its thread. They refuse a second change meanwhile.
template <class T>
struct Training {
  std::unique_ptr<Trainer<T>> trainer;
  std::unique_ptr<std::atomic<pid_t>> user = std::make_unique<std::atomic<pid_t>>(0);
  std::unique_ptr<std::atomic<std::thread::id>> thread = std::make_unique<std::atomic<std::thread::id>>();
  std::vector<std::map<std::string, std::vector<py::ssize_t>>> shapes;  // of each layer's weights
  std::size_t target_columns = 1;
};

// What a call does: it changes the trainer, or it reads it. A signal handler, which runs between the steps of a call on
// the same thread, may read at once: that call goes on after it.
enum class Call : std::uint8_t { changes, reads };

// The trainer of a call, for its duration. If another thread changes it, a change throws RuntimeError; else it waits. A
// forked child that got a trainer in the midst of a step of another thread has no such thread to wait for:
// RuntimeError.
template <class T>
class Use {
 public:
  explicit Use(const Training<T>& training, Call call = Call::changes) : training_(training) {
    if (is_taken(call)) return;
    if (call == Call::reads && *training.thread == std::this_thread::get_id()) {
      is_nested_ = true;
      return;
    }
    if (call == Call::changes && *training.user > 0)
      throw std::runtime_error("expected one call of a trainer at a time; received a second from another thread");
    bool is_interrupted = false;
    {
      GilRelease released;
      while (!is_interrupted && !is_taken(call)) {
        std::this_thread::sleep_for(std::chrono::microseconds(10));
        is_interrupted = !released.no_signal();
      }
    }
    if (is_interrupted) throw py::error_already_set();
  }
  ~Use() {
    if (is_nested_) return;
    *training_.thread = std::thread::id();
    *training_.user = 0;
  }
  Use(const Use&) = delete;
  Use& operator=(const Use&) = delete;
  Trainer<T>* operator->() const { return training_.trainer.get(); }

 private:
  bool is_taken(Call call) const {
    pid_t user = 0;
    const pid_t process = getpid();
    if (training_.user->compare_exchange_strong(user, call == Call::reads ? -process : process)) {
      *training_.thread = std::this_thread::get_id();
      return true;
    }
    if (user != process && user != -process)
      throw std::runtime_error(
          "expected a fork between the steps of a model; another thread trained it when this process was forked, so "
          "its weights here are neither old nor new: fork before training, or start processes by 'spawn'");
    return false;
  }

  const Training<T>& training_;
  bool is_nested_ = false;
};

inline void check_count(Py_ssize_t count, Py_ssize_t expected, const char* signature) {
  if (count != expected) throw py::type_error(std::string("expected ") + signature);
}

}  // namespace fastnn::border
