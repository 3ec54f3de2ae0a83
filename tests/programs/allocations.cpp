// A program for test_programs.py: what a network takes from memory, little more than its weights once. "Think at
// construction, run at prediction": counts the allocations of forward. A thread's first call takes its scratch memory,
// the calls after it take none, whatever the rows, as long as they need no more than those before. A second thread
// takes a handful, once: the pool, what std::thread needs, its own scratch.
#include <algorithm>
#include <cstdio>
#include <vector>

#include "failing_new.hpp"
#include "fastnn/network.hpp"
#include "fastnn/threads.hpp"

// A network's memory beyond 1.1 times its weights, in bytes; never more than 64 KiB.
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
