// The operators new and delete of failing_new.hpp: linked into allocation_failures.cpp, preloaded into
// failing_calls.py.
#include "failing_new.hpp"

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

namespace {

std::atomic<bool> armed{false}, all_later{false}, failed{false};
std::atomic<long> before{0};  // allocations that come before the first failure
std::atomic<long> not_given_back{0};

bool fails() {
  if (!armed) return false;
  const long left = before--;
  if (left > 0 || (left < 0 && !all_later)) return false;
  return failed = true;
}

void* allocate(std::size_t size, std::size_t alignment = alignof(std::max_align_t)) {
  void* memory = fails() ? nullptr : std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
  if (memory == nullptr) throw std::bad_alloc();
  ++not_given_back;
  return memory;
}

void release(void* memory) {
  if (memory != nullptr) --not_given_back;
  std::free(memory);
}

}  // namespace

void fail(long n, bool and_all_later) {
  before = n;
  all_later = and_all_later;
  failed = false;
  armed = true;
}
void fail_no_more() { armed = false; }
bool has_failed() { return failed; }
long living() { return not_given_back; }

void* operator new(std::size_t size) { return allocate(size); }
void* operator new[](std::size_t size) { return allocate(size); }
void* operator new(std::size_t size, std::align_val_t alignment) { return allocate(size, std::size_t(alignment)); }
void operator delete(void* memory) noexcept { release(memory); }
void operator delete[](void* memory) noexcept { release(memory); }
void operator delete[](void* memory, std::size_t) noexcept { release(memory); }
void operator delete(void* memory, std::size_t) noexcept { release(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { release(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { release(memory); }
