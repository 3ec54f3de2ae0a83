// See machine.hpp. Each measurement repeats a probe of cpp/kernels/probes.hpp until a round is long enough to time, and
// keeps the fastest round.
#include "machine.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <numeric>
#include <vector>

#include "dispatch.hpp"
#include "fastnn/error.hpp"
#include "fastnn/threads.hpp"
#include "memory.hpp"
#include "thread_pool.hpp"

namespace fastnn {
namespace {

// Returns the highest rate (amount per second) that `threads` threads reach together. work(n, thread) repeats the probe
// n times and returns the amount of work done.
template <class Work>
double best_rate(double seconds, std::size_t threads, FunctionRef<bool()> go_on, const Work& work) {
  if (!(seconds > 0 && seconds <= 60))
    throw Error("expected seconds above 0 and at most 60; received " + std::to_string(seconds));
  if (threads < 1 || threads > kMostThreads)
    throw Error("expected a number of threads from 1 to " + std::to_string(kMostThreads) + "; received " +
                std::to_string(threads));
  const double round = threads == 1 ? 100e-6 : 1e-3;  // 100 times as long as reading the clock or waking the threads
  using Clock = std::chrono::steady_clock;
  const auto since = [](Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  const Clock::time_point beginning = Clock::now();
  std::vector<double> amounts(threads);
  double best = 0;
  for (std::size_t repetitions = 1; best == 0 || since(beginning) < seconds;) {
    const Clock::time_point start = Clock::now();
    share(threads, threads, [&](std::size_t thread) { amounts[thread] = work(repetitions, thread); });
    const double taken = since(start);
    if (go_on && !go_on()) return 0;
    if (taken < round)
      repetitions *= 2;
    else
      best = std::max(best, std::accumulate(amounts.begin(), amounts.end(), 0.0) / taken);
  }
  return best;
}

}  // namespace

template <class T>
double fma_rate(double seconds, std::size_t threads, FunctionRef<bool()> go_on) {
  const Kernels<T>& kernels = active_kernels<T>();
  return best_rate(seconds, threads, go_on, [&](std::size_t steps, std::size_t) {
    alignas(kPanelBytes) T result[kPanelUnits<T>];
    return kernels.fma_chains(steps, result);
  });
}
std::size_t level_1_bytes() noexcept {
#if defined(_SC_LEVEL1_DCACHE_SIZE)
  static const long size = sysconf(_SC_LEVEL1_DCACHE_SIZE);
  if (size > 0) return static_cast<std::size_t>(size);
#endif
  return 32 * 1024;
}

bool has_slow_roots() noexcept {
#if defined(__x86_64__)
  static const bool is_slow = __builtin_cpu_is("intel");
  return is_slow;
#else
  return false;
#endif
}

template double fma_rate<float>(double, std::size_t, FunctionRef<bool()>);
template double fma_rate<double>(double, std::size_t, FunctionRef<bool()>);

double read_bandwidth(std::size_t size, double seconds, std::size_t threads, FunctionRef<bool()> go_on) {
  if (size == 0) throw Error("expected at least 1 byte to read; received 0");
  size = checked_product((size - 1) / kReadBytes + 1, kReadBytes);
  const AlignedBuffer<float> memory(size / sizeof(float));
  const auto read = active_kernels<float>().read;
  return best_rate(seconds, threads, go_on, [&](std::size_t passes, std::size_t thread) {
    alignas(kPanelBytes) float result[kPanelUnits<float>];
    const std::size_t start = size / kReadBytes * thread / threads * kReadBytes;
    for (std::size_t pass = 0; pass < passes; ++pass) {
      read(memory.data() + start / sizeof(float), size - start, result);
      if (start > 0) read(memory.data(), start, result);
    }
    return static_cast<double>(size) * static_cast<double>(passes);
  });
}

}  // namespace fastnn
