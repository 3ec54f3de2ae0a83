// What the C++ programs of the tests say when something does not hold.
#pragma once

#include <cstdio>
#include <cstdlib>

#define CHECK(condition)                                             \
  do {                                                               \
    if (condition) break;                                            \
    std::fprintf(stderr, "line %d: not %s\n", __LINE__, #condition); \
    std::_Exit(1);                                                   \
  } while (false)
