// Shared by thread_pool.cpp and thread_pool_fork.cpp: checks that every part runs once, and that threads run at the
// same time.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "../../cpp/core/thread_pool.hpp"
#include "check.hpp"

using fastnn::share;

// A barrier for `threads` threads. Parts that pass it together run at the same time.
class Meeting {
 public:
  explicit Meeting(int threads) : threads_(threads) {}
  void wait() {
    std::unique_lock lock(mutex_);
    const int round = round_;
    if (++waiting_ == threads_) {
      waiting_ = 0;
      ++round_;
      met_.notify_all();
    } else {
      met_.wait(lock, [&] { return round_ != round; });
    }
  }

 private:
  std::mutex mutex_;
  std::condition_variable met_;
  int threads_, waiting_ = 0, round_ = 0;
};

// Runs `threads` parts that wait for each other. It hangs unless there are so many threads.
inline void meet(int threads) {
  Meeting meeting(threads);
  CHECK(share(threads, threads, [&](std::size_t) { meeting.wait(); }));
}

inline void check_once(std::size_t parts, std::size_t threads) {
  std::vector<int> runs(parts);  // each element is written by one thread if each part runs once
  std::vector<std::thread::id> ids(parts);
  CHECK(share(parts, threads, [&](std::size_t part) {
    ++runs[part];
    ids[part] = std::this_thread::get_id();
  }));
  CHECK(std::count(runs.begin(), runs.end(), 1) == std::ptrdiff_t(parts));
  CHECK(std::set<std::thread::id>(ids.begin(), ids.end()).size() <= std::max<std::size_t>(threads, 1));
  if (threads <= 1)
    for (const auto id : ids) CHECK(id == std::this_thread::get_id());
}

void fork_before_and_after();
void fork_during_calls_of_others();
void fork_inside_a_call();
