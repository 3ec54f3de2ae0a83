// "Think at construction, run at prediction": counts the allocations of forward. A thread's first call takes its
// scratch memory, the calls after it take none, whatever the rows, as long as they need no more than those before.
#include <cstdio>
#include <cstdlib>
#include <new>
#include <vector>

#include "fastnn/network.hpp"

namespace {
int allocations = 0;

void* allocate(std::size_t size, std::size_t alignment) {
  ++allocations;
  if (void* memory = std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment)) return memory;
  throw std::bad_alloc();
}
}  // namespace

void* operator new(std::size_t size) { return allocate(size, alignof(std::max_align_t)); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return allocate(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

int main() {
  const std::vector<float> weights(100 * 100, 0.01f), x(1000 * 100, 1.0f);
  std::vector<float> y(1000 * 100), z(1000 * 100);
  const fastnn::Network<float> network(
      100, {{100, fastnn::Activation::tanh, weights.data()}, {100, fastnn::Activation::softmax, weights.data()}});
  float* const outputs[] = {z.data(), y.data()};

  const int before = allocations;
  network.forward({x.data(), 1000, 100}, y.data());
  const int first = allocations - before;
  for (const std::size_t rows : {1000, 1, 7, 8, 33, 97}) {
    network.forward({x.data(), rows, 100}, y.data());
    network.representations({x.data(), rows, 100}, outputs);
  }
  const int later = allocations - before - first;
  std::printf("allocations of a thread's first forward: %d, of the twelve calls after it: %d\n", first, later);
  return first == 1 && later == 0 ? 0 : 1;
}
