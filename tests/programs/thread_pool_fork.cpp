// Cases of thread_pool.cpp in which a process forks before, during or after calls of share.
#include <atomic>

#include "child.hpp"
#include "thread_pool.hpp"

void fork_before_and_after() {
  CHECK(status_of_child([] { meet(4); }) == 0);
  meet(4);
  CHECK(status_of_child([] {
          meet(4);
          CHECK(status_of_child([] { meet(5); }) == 0);
        }) == 0);
  meet(6);
}

void fork_during_calls_of_others() {
  std::atomic<bool> stop{false};
  std::vector<std::thread> callers;
  for (int i = 0; i < 2; ++i)
    callers.emplace_back([&] {
      while (!stop) check_once(30, 4);
    });
  for (int i = 0; i < 100; ++i) CHECK(status_of_child([] { meet(4); }) == 0);
  stop = true;
  for (std::thread& caller : callers) caller.join();
}

// A child that is forked inside a call finishes the call on its own.
void fork_inside_a_call() {
  const auto caller = std::this_thread::get_id();
  for (const bool in_part : {true, false}) {
    const pid_t parent = getpid();
    std::atomic<pid_t> child{-1};
    std::vector<char> done(200);
    Meeting both(2);
    const auto branch = [&] {
      child = fork();
      if (child == 0) alarm(20);
    };
    const auto work = [&](std::size_t part) {
      if (part < 2 && getpid() == parent) both.wait();  // until the other thread is running too
      if (in_part && child == -1 && std::this_thread::get_id() == caller) branch();
      while (std::this_thread::get_id() != caller && child == -1) std::this_thread::yield();
      done[part] = 1;
    };
    const auto go_on = [&] {
      if (!in_part && child == -1) branch();
      return true;
    };
    CHECK(share(200, 2, work, go_on));
    CHECK(std::count(done.begin(), done.end(), 1) == 200);
    meet(4);
    if (child == 0) std::_Exit(0);
    CHECK(status_of(child) == 0);
  }
}
