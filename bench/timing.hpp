// Times a call by its fastest round: on a shared machine every disturbance adds time.
#pragma once

#include <algorithm>
#include <chrono>

// Returns the seconds per call in the fastest of 15 rounds of about a millisecond each.
template <class Call>
double shortest_seconds(Call call) {
  using Clock = std::chrono::steady_clock;
  const auto seconds_of = [&](long calls) {
    const auto start = Clock::now();
    for (long i = 0; i < calls; ++i) call();
    return std::chrono::duration<double>(Clock::now() - start).count() / static_cast<double>(calls);
  };
  const long calls = std::max(1L, static_cast<long>(1e-3 / std::max(seconds_of(3), 1e-9)));
  double shortest = seconds_of(calls);
  for (int round = 1; round < 15; ++round) shortest = std::min(shortest, seconds_of(calls));
  return shortest;
}
