// See thread_pool.hpp. One call at a time uses the threads. The pool is never destroyed: at the end of the process its
// threads may still be asleep, or at work for a caller that was not waited for, and must find everything in its place.
// After a fork the child leaves the parent's pool as it was caught, perhaps locked, and makes its own.
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

namespace fastnn {
namespace {

constexpr std::chrono::milliseconds kAskEvery{20};

// After a refusal, calls that do not ask the system for threads: asking takes as long as a short call.
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

  // To be called between try_lock and unlock.
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
  std::size_t threads_ = 1;  // the caller's own and those created
  int calls_until_asking_ = 0;
  std::array<Sleeper*, kMostThreads> sleepers_{};

  // The call: written while it is closed and nobody is in it, read by those who have entered.
  static constexpr unsigned kClosed = 1u << 31;
  std::atomic<unsigned> state_{kClosed};  // the number of threads that have entered, and whether others still may
  std::size_t parts_ = 0;
  std::size_t wanted_ = 0;  // threads, the caller's own among them
  FunctionRef<void(std::size_t)> run_part_;
  std::atomic<std::size_t> next_{0};          // part
  std::atomic<bool> short_of_memory_{false};  // on one of the other threads
  std::mutex mutex_;                          // of what follows
  std::condition_variable left_;
  std::exception_ptr error_;  // the first
};

std::atomic<Pool*> pool{nullptr};

[[maybe_unused]] const int registered = pthread_atfork(nullptr, nullptr, [] { pool.store(nullptr); });

Pool& Pool::of_this_process() {
  Pool* found = pool.load(std::memory_order_acquire);
  if (found != nullptr) return *found;
  Pool* created = new Pool;
  if (pool.compare_exchange_strong(found, created)) return *created;
  delete created;  // another thread was first
  return *found;
}

// Whether this is a child of the process that the pool belongs to: its threads are not here.
bool Pool::forked() const { return pool.load(std::memory_order_relaxed) != this; }

// How many threads there are, up to `threads`, after creating what is missing as far as the system allows. They block
// signals, so that Python's main thread gets them, but for those by which a fault reports itself.
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
  } catch (const std::exception&) {  // std::system_error or std::bad_alloc: fewer threads
    calls_until_asking_ = kCallsAfterRefusal;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return threads_;
}

void Pool::serve(std::size_t index) {
  for (;;) {
    sleep(*sleepers_[index]);
    if (!enter()) continue;
    // This may be a later call than the one it was woken for, and want fewer threads.
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

// Each thread wakes two, so that the time until all are awake grows with the logarithm of their number.
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
    if (state & kClosed) return false;  // woken too late
  } while (!state_.compare_exchange_weak(state, state + 1, std::memory_order_acquire, std::memory_order_relaxed));
  return true;
}

void Pool::leave() {
  if (state_.fetch_sub(1, std::memory_order_acq_rel) != (kClosed | 1)) return;
  const std::lock_guard lock(mutex_);  // the caller is either before its look at state_, or asleep
  left_.notify_one();
}

// False when go_on says so.
bool Pool::take_parts(FunctionRef<bool()> go_on) {
  for (bool first = true; !forked(); first = false) {
    const std::size_t part = next_.fetch_add(1, std::memory_order_relaxed);
    if (part >= parts_) return true;
    if (!first && go_on && !go_on()) return false;
    run_part_(part);
  }
  return true;
}

// Closes the call and waits until all have left. False as soon as go_on says so.
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
