// Child processes of the C++ programs, and memory that they share with their parent.
#pragma once

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>

#include "check.hpp"

// So many objects, all zero, that this process has in common with the children that it forks off.
template <class T>
T* shared(std::size_t count) {
  void* memory = mmap(nullptr, count * sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  CHECK(memory != MAP_FAILED);
  return static_cast<T*>(memory);
}

// How a child ends, as waitpid() tells it: 0 if well.
inline int status_of(pid_t child) {
  int status = -1;
  CHECK(child > 0 && waitpid(child, &status, 0) == child);
  return status;
}

// How a child ends that does some work; one that takes too long is ended by SIGALRM.
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
