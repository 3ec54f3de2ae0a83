// A trainer as Python holds it: one call at a time.
#pragma once

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "arrays.hpp"
#include "fastnn/trainer.hpp"

namespace fastnn::border {

// A trainer changes, but the object around it never does; `busy` refuses a second call meanwhile.
template <class T>
struct Training {
  std::unique_ptr<Trainer<T>> trainer;
  std::unique_ptr<std::atomic<bool>> busy = std::make_unique<std::atomic<bool>>(false);
  std::vector<std::map<std::string, std::vector<py::ssize_t>>> shapes;  // of each layer's weights
  std::size_t target_columns = 1;
};

// The trainer of a call, for its duration. If another call has it: throws RuntimeError, or waits for its end.
template <class T>
class Use {
 public:
  explicit Use(const Training<T>& training, bool waits = false) : training_(training) {
    if (!training.busy->exchange(true)) return;
    if (!waits)
      throw std::runtime_error("expected one call of a trainer at a time; received a second from another thread");
    const py::gil_scoped_release released;
    while (training.busy->exchange(true)) std::this_thread::sleep_for(std::chrono::microseconds(10));
  }
  ~Use() { *training_.busy = false; }
  Use(const Use&) = delete;
  Use& operator=(const Use&) = delete;
  Trainer<T>* operator->() const { return training_.trainer.get(); }

 private:
  const Training<T>& training_;
};

inline void check_count(Py_ssize_t count, Py_ssize_t expected, const char* signature) {
  if (count != expected) throw py::type_error(std::string("expected ") + signature);
}

}  // namespace fastnn::border
