// CHECK for the C++ programs of the tests: prints the line of a false condition and aborts, which fuzzers report too.
#pragma once

#include <cstdio>
#include <cstdlib>

#define CHECK(condition)                                                     \
  do {                                                                       \
    if (condition) break;                                                    \
    std::fprintf(stderr, "%s:%d: not %s\n", __FILE__, __LINE__, #condition); \
    std::abort();                                                            \
  } while (false)
