// C++'s allocations, counted; from a chosen one on they can be made to fail. See failing_new.cpp.
#pragma once

#include <cstddef>

extern "C" {
void fail(long n, bool and_all_later);  // the n-th from now on, from 0; it alone, or all from it on
void fail_no_more();
bool has_failed();   // since fail()
long allocations();  // so far, those that failed not among them
std::size_t allocated_bytes();
long living();  // allocations that were not given back
}
