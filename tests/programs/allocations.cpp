// For test_programs.py: counts allocations ("think at construction, run at prediction"). A network takes little more
// memory than its weights. The first call on a thread allocates its scratch; later calls allocate nothing, unless they
// need more scratch than all calls before. A second thread costs a few allocations, once: the pool, std::thread and its
// own scratch.
#include <algorithm>
#include <cstdio>
#include <vector>

#include "failing_new.hpp"
#include "fastnn/network.hpp"
#include "fastnn/threads.hpp"

// Returns the bytes that a network takes beyond 1.1 times its weights. The limit is 64 KiB.
std::ptrdiff_t excess(std::size_t inputs, std::size_t units) {
  const std::vector<float> weights(inputs * units);
  const std::size_t before = allocated_bytes();
  const fastnn::Network<float> network(inputs,
                                       {fastnn::dense_layer(units, weights.data(), nullptr, fastnn::Activation::relu)});
  return static_cast<std::ptrdiff_t>(allocated_bytes() - before) -
         static_cast<std::ptrdiff_t>(1.1 * static_cast<double>(weights.size() * sizeof(float)));
}

int main() {
  std::ptrdiff_t most = 0;
  for (const std::size_t inputs : {1, 2, 15, 17, 1000, 4097})
    for (const std::size_t units : {1, 2, 3, 4, 15, 17, 65, 1000, 4097}) most = std::max(most, excess(inputs, units));
  std::printf("memory of a network beyond 1.1 times its weights: at most %td bytes\n", most);
  if (most > 64 * 1024) return 1;

  const std::vector<float> weights(100 * 100, 0.01f), x(1000 * 100, 1.0f);
  std::vector<float> y(1000 * 100), z(1000 * 100);
  const fastnn::Network<float> network(
      100, {fastnn::dense_layer(100, weights.data(), nullptr, fastnn::Activation::tanh),
            fastnn::dense_layer(100, weights.data(), nullptr, fastnn::Activation::softmax)});
  float* const outputs[] = {z.data(), y.data()};

  const auto allocations_of = [&](int rounds) {
    const long before = allocations();
    for (int round = 0; round < rounds; ++round)
      for (const std::size_t rows : {1000, 1, 7, 8, 33, 97}) {
        network.forward({x.data(), rows, 100}, y.data());
        network.representations({x.data(), rows, 100}, outputs);
      }
    return allocations() - before;
  };
  fastnn::set_num_threads(1);
  const long first = allocations_of(1), later = allocations_of(10);
  fastnn::set_num_threads(2);
  const long second_thread = allocations_of(1000);
  std::printf("allocations of a thread's first forwards: %ld, of those after them: %ld, with another thread: %ld\n",
              first, later, second_thread);
  return first == 1 && later == 0 && second_thread <= 8 ? 0 : 1;
}
