// For test_thread_pool.py, which runs `thread_pool CASE` once per case. It exits with 0, or prints the line of the
// check that failed. The cases that fork are in thread_pool_fork.cpp.
#include "thread_pool.hpp"

#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <map>
#include <mutex>
#include <new>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

void every_part_once() {
  for (std::size_t threads = 0; threads <= 65; ++threads)
    for (const std::size_t parts : {0, 1, 2, 3, 64, 65, 130, 1000}) check_once(parts, threads);
  for (std::size_t parts = 0; parts <= 1000; ++parts)
    for (const std::size_t threads : {2, 3, 64}) check_once(parts, threads);
}

// Runs 64 parts at a time, each of which waits for the other 63. It hangs if a thread is idle while parts are left.
void all_at_work() {
  Meeting meeting(64);
  CHECK(share(64 * 20, 64, [&](std::size_t) { meeting.wait(); }));
}

// A thread that wakes up after its call has ended must not raise the next call above its number of threads.
void few_threads_after_many() {
  for (int i = 0; i < 100; ++i) {
    share(64, 64, [](std::size_t) {});
    std::mutex mutex;
    std::set<std::thread::id> ids;
    share(20, 2, [&](std::size_t) {
      std::this_thread::sleep_for(std::chrono::microseconds(50));
      const std::lock_guard lock(mutex);
      ids.insert(std::this_thread::get_id());
    });
    CHECK(ids.size() <= 2);
  }
}

constexpr std::size_t kEndless = std::size_t(-1) / 2;  // so many parts that a call hangs unless it is stopped

void exception_in_a_part() {
  const auto caller = std::this_thread::get_id();
  for (const bool by_caller : {true, false}) {
    Meeting both(2);
    try {
      share(kEndless, 2, [&](std::size_t part) {
        if (part < 2) both.wait();
        if (part < 2 && (std::this_thread::get_id() == caller) == by_caller) throw std::runtime_error("of a part");
      });
      CHECK(!"thrown");
    } catch (const std::runtime_error& error) {
      CHECK(std::strcmp(error.what(), "of a part") == 0);
    }
    meet(2);  // the pool still works
  }
}

// If memory is short on another thread, the calling thread runs the parts. If it is short there too, that is an error.
void short_of_memory() {
  const auto caller = std::this_thread::get_id();
  for (const bool for_caller : {false, true}) {
    std::vector<std::atomic<int>> runs(1000);
    Meeting both(2);
    std::atomic<bool> first_call{true};
    const auto work = [&](std::size_t part) {
      if (part < 2 && first_call) both.wait();  // until both threads have begun
      if (std::this_thread::get_id() != caller || (for_caller && part == 999)) {
        first_call = false;
        throw std::bad_alloc();
      }
      while (first_call) std::this_thread::yield();
      ++runs[part];
    };
    try {
      CHECK(share(1000, 2, work));
      CHECK(!for_caller);
      for (const auto& count : runs) CHECK(count > 0);
    } catch (const std::bad_alloc&) {
      CHECK(for_caller);
    }
    meet(2);
  }
  std::atomic<int> asked{0};  // go_on must not be called again after it has returned false
  Meeting both(2);
  CHECK(!share(
      kEndless, 2,
      [&](std::size_t part) {
        if (part < 2) both.wait();
        if (std::this_thread::get_id() != caller) {
          while (asked == 0) std::this_thread::yield();
          throw std::bad_alloc();
        }
      },
      [&] { return ++asked == 0; }));
  CHECK(asked == 1);
}

void stopped() {
  const auto caller = std::this_thread::get_id();
  for (const std::size_t threads : {1, 2, 64}) {
    std::atomic<std::size_t> running{0};
    int asked = 0;
    const auto work = [&](std::size_t) {
      ++running;
      --running;
    };
    CHECK(!share(kEndless, threads, work, [&] {
      CHECK(std::this_thread::get_id() == caller);
      return ++asked < 3;
    }));
    CHECK(asked == 3);  // never again after it has returned false
    CHECK(running == 0);
  }
}

// The calling thread only waits, for a part that ends after two calls of go_on. The second one returns true, returns
// false or throws.
void asked_while_waiting() {
  for (const int answer : {0, 1, 2}) {
    std::atomic<int> asked{0};
    Meeting both(2);
    const auto caller = std::this_thread::get_id();
    const auto work = [&](std::size_t) {
      both.wait();
      while (std::this_thread::get_id() != caller && asked < 2) std::this_thread::yield();
    };
    const auto go_on = [&] {
      if (++asked < 2 || answer == 1) return true;
      if (answer == 2) throw std::runtime_error("of go_on");
      return false;
    };
    try {
      CHECK(share(2, 2, work, go_on) == (answer == 1));
      CHECK(answer != 2);
    } catch (const std::runtime_error&) {
      CHECK(answer == 2);
    }
    meet(2);
  }
}

void concurrent_and_nested() {
  std::vector<std::thread> callers;
  for (int i = 0; i < 8; ++i)
    callers.emplace_back([i] {
      for (int call = 0; call < 500; ++call) check_once(1 + (call * 7 + i) % 50, 2 + call % 5);
    });
  for (std::thread& caller : callers) caller.join();
  share(20, 4, [](std::size_t) { check_once(50, 4); });
}

void exit_while_busy() {
  static std::atomic<bool> begun{false};
  std::thread([] {
    for (;;)
      share(100, 4, [](std::size_t) {
        begun = true;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      });
  }).detach();
  while (!begun) std::this_thread::yield();
}

void exit_while_idle() { meet(64); }

void no_cpu_time_after_a_call() {
  meet(64);
  check_once(10'000, 64);
  const std::clock_t before = std::clock();
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  CHECK(double(std::clock() - before) / CLOCKS_PER_SEC < 0.01);
}

// No address space is left for the stack of a new thread.
void threads_refused() {
  rlimit limit;
  getrlimit(RLIMIT_AS, &limit);
  const rlim_t before = std::exchange(limit.rlim_cur, 1);
  meet(2);
  CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
  for (int i = 0; i < 1000; ++i) check_once(100, 64);
  limit.rlim_cur = before;
  CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
  for (int i = 0; i < 1000; ++i) check_once(100, 3);  // eventually tries again to create threads
  meet(3);
}

void signals_are_left_to_others() {
  Meeting four(4);
  const auto caller = std::this_thread::get_id();
  share(4, 4, [&](std::size_t) {
    four.wait();
    sigset_t blocked;
    pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
    const int expected = std::this_thread::get_id() != caller;
    for (const int signal : {SIGINT, SIGTERM, SIGALRM, SIGUSR1}) CHECK(sigismember(&blocked, signal) == expected);
    CHECK(sigismember(&blocked, SIGSEGV) == 0);
  });
}

#define CASE(name) {#name, &name}
// clang-format off
const std::map<std::string, void (*)()> kCases = {
    CASE(every_part_once), CASE(all_at_work), CASE(few_threads_after_many), CASE(exception_in_a_part),
    CASE(short_of_memory), CASE(stopped), CASE(asked_while_waiting), CASE(concurrent_and_nested),
    CASE(fork_before_and_after), CASE(fork_during_calls_of_others), CASE(fork_inside_a_call),
    CASE(exit_while_busy), CASE(exit_while_idle),
    CASE(no_cpu_time_after_a_call), CASE(threads_refused),
    CASE(signals_are_left_to_others),
};
// clang-format on

}  // namespace

int main(int argc, char** argv) {
  CHECK(argc == 2 && kCases.count(argv[1]) == 1);
  kCases.at(argv[1])();
}
