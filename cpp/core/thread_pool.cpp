// See thread_pool.hpp. One call at a time uses the threads. The pool is never destroyed: when the process ends, its
// threads may still sleep, or work for a detached thread, and they read the pool. After a fork the child abandons the
// parent's pool, which may be locked, and creates its own.
#include "thread_pool.hpp"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <new>
#include <system_error>
#include <thread>
#include <utility>

#include "fastnn/threads.hpp"
#include "floating_point_mode.hpp"

namespace fastnn {
namespace {

constexpr std::chrono::milliseconds kAskEvery{20};

// After the system has refused a thread, so many calls do not try again: trying takes as long as a short call.
constexpr int kCallsAfterRefusal = 1000;

bool run_alone(std::size_t parts, FunctionRef<void(std::size_t)> run_part, FunctionRef<bool()> go_on) {
  for (std::size_t part = 0; part < parts; ++part) {
    if (part > 0 && go_on && !go_on()) return false;
    run_part(part);
  }
  return true;
}

class Pool {
 public:
  static Pool& of_this_process();

  bool try_lock() { return !in_use_.exchange(true, std::memory_order_acquire); }
  void unlock() { in_use_.store(false, std::memory_order_release); }

  // Requires the lock.
  bool share(std::size_t parts, std::size_t threads, FunctionRef<void(std::size_t)> run_part,
             FunctionRef<bool()> go_on);

 private:
  struct Sleeper {
    std::mutex mutex;
    std::condition_variable woken_up;
    bool woken = false;
  };

  std::size_t grow(std::size_t threads);
  void serve(std::size_t index);
  void sleep(Sleeper& self);
  void wake_next(std::size_t index);
  bool enter();
  void leave();
  bool take_parts(FunctionRef<bool()> go_on);
  bool wait(FunctionRef<bool()> go_on);
  void stop(std::exception_ptr error);
  bool forked() const;

  std::atomic<bool> in_use_{false};
  std::size_t threads_ = 1;  // the calling thread and those created
  int calls_until_asking_ = 0;
  std::array<Sleeper*, kMostThreads> sleepers_{};

  // The current call. It is written while it is closed and no thread is inside, and read by threads that have entered.
  static constexpr unsigned kClosed = 1u << 31;
  std::atomic<unsigned> state_{kClosed};  // the number of threads inside, and kClosed if no more may enter
  std::size_t parts_ = 0;
  std::size_t wanted_ = 0;  // threads, including the calling one
  FunctionRef<void(std::size_t)> run_part_;
  std::atomic<std::size_t> next_{0};          // the next part to run
  std::atomic<bool> short_of_memory_{false};  // a part threw std::bad_alloc on another thread than the caller's
  std::mutex mutex_;                          // protects the two members below
  std::condition_variable left_;
  std::exception_ptr error_;  // the first one thrown
};

std::atomic<Pool*> pool{nullptr};

[[maybe_unused]] const int registered = pthread_atfork(nullptr, nullptr, [] { pool.store(nullptr); });

Pool& Pool::of_this_process() {
  Pool* found = pool.load(std::memory_order_acquire);
  if (found != nullptr) return *found;
  Pool* created = new Pool;
  if (pool.compare_exchange_strong(found, created)) return *created;
  delete created;  // another thread has created it first
  return *found;
}

// Returns true in a forked child of the process that created this pool. The child has none of its threads.
bool Pool::forked() const { return pool.load(std::memory_order_relaxed) != this; }

// Creates missing threads, as far as the system allows, and returns how many there are, at most `threads`. New threads
// block all signals but those that report a fault, so that Python's main thread receives them.
std::size_t Pool::grow(std::size_t threads) {
  if (threads <= threads_ || --calls_until_asking_ > 0) return std::min(threads, threads_);
  sigset_t blocked, before;
  sigfillset(&blocked);
  for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP}) sigdelset(&blocked, fault);
  pthread_sigmask(SIG_SETMASK, &blocked, &before);
  try {
    for (; threads_ < threads; ++threads_) {
      if (sleepers_[threads_] == nullptr) sleepers_[threads_] = new Sleeper;
      std::thread([this, index = threads_] { serve(index); }).detach();
    }
  } catch (const std::exception&) {  // std::system_error or std::bad_alloc: go on with fewer threads
    calls_until_asking_ = kCallsAfterRefusal;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return threads_;
}

void Pool::serve(std::size_t index) {
  DefaultFloatingPointMode::exchange();
  for (;;) {
    sleep(*sleepers_[index]);
    if (!enter()) continue;
    // This may be a later call than the one that woke this thread, and use fewer threads.
    if (index < wanted_ && next_.load(std::memory_order_relaxed) < parts_) {
      wake_next(index);
      try {
        take_parts({});
      } catch (const std::bad_alloc&) {
        short_of_memory_.store(true, std::memory_order_relaxed);
        stop(nullptr);
      } catch (...) {
        stop(std::current_exception());
      }
    }
    leave();
  }
}

void Pool::sleep(Sleeper& self) {
  std::unique_lock lock(self.mutex);
  self.woken_up.wait(lock, [&] { return self.woken; });
  self.woken = false;
}

// Each thread wakes two others, so that the time until all are awake grows with the logarithm of their number.
void Pool::wake_next(std::size_t index) {
  for (std::size_t next = 2 * index + 1; next <= 2 * index + 2 && next < wanted_; ++next) {
    {
      const std::lock_guard lock(sleepers_[next]->mutex);
      sleepers_[next]->woken = true;
    }
    sleepers_[next]->woken_up.notify_one();
  }
}

bool Pool::enter() {
  unsigned state = state_.load(std::memory_order_relaxed);
  do {
    if (state & kClosed) return false;  // the call has ended before this thread woke up
  } while (!state_.compare_exchange_weak(state, state + 1, std::memory_order_acquire, std::memory_order_relaxed));
  return true;
}

void Pool::leave() {
  if (state_.fetch_sub(1, std::memory_order_acq_rel) != (kClosed | 1)) return;
  const std::lock_guard lock(mutex_);  // without it the caller could miss the notification between test and wait
  left_.notify_one();
}

// Runs parts until none is left. Returns false if go_on returned false.
bool Pool::take_parts(FunctionRef<bool()> go_on) {
  for (bool first = true; !forked(); first = false) {
    const std::size_t part = next_.fetch_add(1, std::memory_order_relaxed);
    if (part >= parts_) return true;
    if (!first && go_on && !go_on()) return false;
    run_part_(part);
  }
  return true;
}

// Closes the call and waits until all threads have left it. Returns false as soon as go_on returns false.
bool Pool::wait(FunctionRef<bool()> go_on) {
  state_.fetch_or(kClosed);
  const auto all_left = [&] { return state_.load(std::memory_order_acquire) == kClosed; };
  std::unique_lock lock(mutex_);
  if (!go_on) left_.wait(lock, all_left);
  while (!left_.wait_for(lock, kAskEvery, all_left)) {
    lock.unlock();
    if (!go_on()) return false;
    if (forked()) return true;
    lock.lock();
  }
  return true;
}

void Pool::stop(std::exception_ptr error) {
  next_.store(parts_, std::memory_order_relaxed);
  const std::lock_guard lock(mutex_);
  if (error_ == nullptr) error_ = std::move(error);
}

bool Pool::share(std::size_t parts, std::size_t threads, FunctionRef<void(std::size_t)> run_part,
                 FunctionRef<bool()> go_on) {
  parts_ = parts;
  wanted_ = grow(threads);
  run_part_ = run_part;
  next_.store(0, std::memory_order_relaxed);
  short_of_memory_.store(false, std::memory_order_relaxed);
  state_.store(0, std::memory_order_release);
  wake_next(0);

  bool going = true;
  try {
    going = take_parts(go_on) && (forked() || wait(go_on));
    if (!going && !forked()) stop(nullptr);
  } catch (...) {
    if (forked()) throw;
    going = false;
    stop(std::current_exception());
  }
  if (forked()) return going && run_alone(parts, run_part, go_on);
  if (!going) wait({});
  if (error_ != nullptr) std::rethrow_exception(std::exchange(error_, nullptr));
  return short_of_memory_ && going ? run_alone(parts, run_part, go_on) : going;
}

}  // namespace

bool share(std::size_t parts, std::size_t threads, FunctionRef<void(std::size_t)> run_part, FunctionRef<bool()> go_on) {
  threads = std::min({parts, threads, kMostThreads});
  if (threads <= 1) return run_alone(parts, run_part, go_on);
  Pool& pool = Pool::of_this_process();
  if (!pool.try_lock()) return run_alone(parts, run_part, go_on);
  const std::lock_guard lock(pool, std::adopt_lock);
  return pool.share(parts, threads, run_part, go_on);
}

}  // namespace fastnn
