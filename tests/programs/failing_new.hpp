// Counts the allocations of C++ code, and makes a chosen one fail. See failing_new.cpp.
#pragma once

#include <cstddef>

extern "C" {
void fail(long n, bool and_all_later);  // fails allocation n, counted from 0; also all later ones if and_all_later
void fail_no_more();
bool has_failed();   // whether an allocation has failed since fail()
long allocations();  // successful allocations so far
std::size_t allocated_bytes();
long living();  // allocations that have not been freed
}
