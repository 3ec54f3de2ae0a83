// Operators new and delete that count allocations and can fail (failing_new.hpp). They are linked into allocations.cpp
// and allocation_failures.cpp, and preloaded into failing_calls.py.
#include "failing_new.hpp"

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

std::atomic<bool> armed{false}, all_later{false}, failed{false};
std::atomic<long> before{0};  // allocations left before the first failure
std::atomic<long> taken{0}, given_back{0};
std::atomic<std::size_t> bytes{0};

bool fails() {
  if (!armed) return false;
  const long left = before--;
  if (left > 0 || (left < 0 && !all_later)) return false;
  return failed = true;
}

void* allocate(std::size_t size, std::size_t alignment = alignof(std::max_align_t)) {
  void* memory = fails() ? nullptr : std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
  if (memory == nullptr) throw std::bad_alloc();
  ++taken;
  bytes += size;
  return memory;
}

void release(void* memory) {
  if (memory != nullptr) ++given_back;
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
long allocations() { return taken; }
std::size_t allocated_bytes() { return bytes; }
long living() { return taken - given_back; }

void* operator new(std::size_t size) { return allocate(size); }
void* operator new[](std::size_t size) { return allocate(size); }
void* operator new(std::size_t size, std::align_val_t alignment) { return allocate(size, std::size_t(alignment)); }
void operator delete(void* memory) noexcept { release(memory); }
void operator delete[](void* memory) noexcept { release(memory); }
void operator delete[](void* memory, std::size_t) noexcept { release(memory); }
void operator delete(void* memory, std::size_t) noexcept { release(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { release(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { release(memory); }
