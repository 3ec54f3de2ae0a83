// Runs parts of a C++ test program in child processes, with memory that they share with their parent.
#pragma once

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>

#include "check.hpp"

// Returns `count` zeroed objects in memory that this process shares with its forked children.
template <class T>
T* shared(std::size_t count) {
  void* memory = mmap(nullptr, count * sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  CHECK(memory != MAP_FAILED);
  return static_cast<T*>(memory);
}

// Waits for a child and returns its status as waitpid() reports it: 0 for success.
inline int status_of(pid_t child) {
  int status = -1;
  CHECK(child > 0 && waitpid(child, &status, 0) == child);
  return status;
}

// Runs work() in a child and returns its status. SIGALRM ends a child that takes longer than most_seconds.
template <class Work>
int status_of_child(const Work& work, unsigned most_seconds = 60) {
  const pid_t child = fork();
  if (child == 0) {
    alarm(most_seconds);
    work();
    std::_Exit(0);
  }
  return status_of(child);
}
