// What the C++ programs of the tests say when something does not hold, and end with: abort(), which fuzzers notice.
#pragma once

#include <cstdio>
#include <cstdlib>

#define CHECK(condition)                                                     \
  do {                                                                       \
    if (condition) break;                                                    \
    std::fprintf(stderr, "%s:%d: not %s\n", __FILE__, __LINE__, #condition); \
    std::abort();                                                            \
  } while (false)
