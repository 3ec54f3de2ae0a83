#include "machine.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <type_traits>

#include "dispatch.hpp"
#include "memory.hpp"

namespace fastnn {
namespace {

constexpr std::size_t kReadStep = 512;  // cpp/kernels/probes.hpp
constexpr double kRound = 100e-6;       // seconds, a thousand times what reading the clock takes

// The most work a second, where work(n) repeats something n times and returns how much that was.
template <class Work>
double best_rate(double seconds, const Work& work) {
  if (!(seconds > 0 && seconds <= 60))
    throw std::invalid_argument("expected seconds above 0 and at most 60; received " + std::to_string(seconds));
  using Clock = std::chrono::steady_clock;
  const auto since = [](Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  const Clock::time_point beginning = Clock::now();
  double best = 0;
  for (std::size_t repetitions = 1; best == 0 || since(beginning) < seconds;) {
    const Clock::time_point start = Clock::now();
    const double amount = work(repetitions);
    const double taken = since(start);
    if (taken < kRound)
      repetitions *= 2;
    else
      best = std::max(best, amount / taken);
  }
  return best;
}

}  // namespace

std::size_t level_2_cache_bytes() {
#if defined(_SC_LEVEL2_CACHE_SIZE)
  static const long bytes = sysconf(_SC_LEVEL2_CACHE_SIZE);
  if (bytes > 0) return static_cast<std::size_t>(bytes);
#endif
  return 1024 * 1024;
}

template <class T>
double fma_rate(double seconds) {
  const KernelTable& table = active_kernels();
  alignas(kPanelBytes) T result[kPanelUnits<T>];
  return best_rate(seconds, [&](std::size_t steps) {
    if constexpr (std::is_same_v<T, float>)
      return table.float32.fma_chains(steps, result);
    else
      return table.float64.fma_chains(steps, result);
  });
}
template double fma_rate<float>(double);
template double fma_rate<double>(double);

double read_bandwidth(std::size_t size, double seconds) {
  if (size == 0) throw std::invalid_argument("expected at least 1 byte to read; received 0");
  size = checked_product((size - 1) / kReadStep + 1, kReadStep);
  const AlignedBuffer<float> memory(size / sizeof(float));
  float result[kPanelUnits<float>];
  return best_rate(seconds, [&](std::size_t passes) {
    for (std::size_t pass = 0; pass < passes; ++pass) active_kernels().float32.read(memory.data(), size, result);
    return static_cast<double>(size) * static_cast<double>(passes);
  });
}

}  // namespace fastnn
