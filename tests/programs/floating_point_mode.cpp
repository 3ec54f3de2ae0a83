// Calls compute in the default floating-point mode and restore the caller's. This program runs networks of many shapes
// in every mode of an x86-64 or aarch64 CPU. It exits with 0, or prints the check that failed.
#include <cstdio>
#include <cstdlib>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "check.hpp"
#include "drawn_network.hpp"
#include "fastnn/threads.hpp"

namespace {

struct Mode {
  const char* name;
  std::uint64_t word;
};

#if defined(__x86_64__)
constexpr std::uint64_t kDefault = 0x1f80, kFlags = 0x3f;
constexpr Mode kModes[] = {{"flush to zero", kDefault | 0x8040},
                           {"round down", kDefault | 0x2000},
                           {"round up", kDefault | 0x4000},
                           {"round to zero", kDefault | 0x6000},
                           {"all exceptions unmasked", 0}};
void set_mode(std::uint64_t word) { _mm_setcsr(static_cast<unsigned>(word)); }
std::uint64_t mode() { return _mm_getcsr() & ~kFlags; }
#else
constexpr std::uint64_t kDefault = 0;
constexpr Mode kModes[] = {{"flush to zero", 1 << 24 | 1 << 19},
                           {"one NaN", 1 << 25},
                           {"round up", 1 << 22},
                           {"round down", 2 << 22},
                           {"round to zero", 3 << 22},
                           {"all exceptions unmasked", 0x9f00}};  // many CPUs do not support it and read back 0
void set_mode(std::uint64_t word) { asm volatile("msr fpcr, %0" : : "r"(word)); }
std::uint64_t mode() {
  std::uint64_t word;
  asm volatile("mrs %0, fpcr" : "=r"(word));
  return word;
}
#endif

// Returns whether run() returns true in a mode and leaves the mode unchanged.
template <class Run>
bool holds_in(const Mode& each, const Run& run) {
  set_mode(each.word);
  const std::uint64_t before = mode();
  const bool same = run();
  const std::uint64_t after = mode();
  set_mode(kDefault);
  if (!same) std::fprintf(stderr, "%s: other bits\n", each.name);
  if (before != after) std::fprintf(stderr, "%s: the mode became %#llx\n", each.name, (unsigned long long)after);
  return same && before == after;
}

// Returns a / b in a mode. volatile keeps the compiler from computing it before or after that mode is set.
template <class T>
T quotient_in(const Mode& each, T dividend, T divisor) {
  volatile T a = dividend, b = divisor;
  set_mode(each.word);
  volatile T result = a / b;
  set_mode(kDefault);
  return result;
}

// Checks that the modes have an effect. Otherwise this program would test nothing.
template <class T>
void check_modes_matter() {
  const T tiny = std::numeric_limits<T>::min();
  CHECK(quotient_in<T>(kModes[0], tiny, 2) == 0);
  const T third = quotient_in<T>({"default", kDefault}, 1, 3);
  int others = 0;
  for (const Mode& each : kModes)
    if (each.word != 0) others += quotient_in<T>(each, 1, 3) != third;
  CHECK(others > 0);
}

template <class T>
void check_networks() {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const drawn::Network<T> network(seed);
    for (const Mode& each : kModes)
      for (const std::size_t rows : {1, 5, 40})
        CHECK(holds_in(each, [&] { return network.answers(rows, (seed + rows) % 16); }));
  }
}

// Threads of the pool inherit the mode of the thread that created them, so they must set the default mode too.
void check_threads() {
  const std::size_t units = 300, rows = 300;
  drawn::Random random(1);
  const std::vector<float> x = drawn::numbers<float>(random, rows * units, drawn::Kind::subnormal);
  std::vector<fastnn::Layer<float>> layers(8, fastnn::activation_layer<float>(units, fastnn::Activation::tanh));
  const fastnn::Network<float> network(units, layers);
  std::vector<float> alone(rows * units), shared(rows * units);
  fastnn::set_num_threads(1);
  network.forward({x.data(), rows, units}, alone.data());
  fastnn::set_num_threads(2);
  for (const Mode& each : kModes)
    CHECK(holds_in(each, [&] {
      network.forward({x.data(), rows, units}, shared.data());
      return std::memcmp(alone.data(), shared.data(), alone.size() * sizeof(float)) == 0;
    }));
}

}  // namespace

int main() {
  check_modes_matter<float>();
  check_modes_matter<double>();
  for (const std::string& isa : fastnn::isas()) {
    fastnn::set_isa(isa);
    check_networks<float>();
    check_networks<double>();
  }
  check_threads();
}
