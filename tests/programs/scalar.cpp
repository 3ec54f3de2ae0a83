// For test_header_export.py: checks the arithmetic of exported C++ headers under any compiler flags. It exits with 0,
// or prints the line of the check that failed.
#define FASTNN_ISA scalar
#include "../../cpp/single_header/scalar.hpp"

#include <random>

#include "check.hpp"

namespace {

using fastnn::scalar::Vector;

// A separate function per expression: gcc fuses products and sums only within a function.
template <class T, class Function>
T call(Function function) {
  const volatile T e = sizeof(T) == 4 ? T(0x1p-13) : T(0x1p-30);
  return function(Vector<T>(T(1) + e), Vector<T>(T(1) + 2 * e)).x;
}

// (1 + e)² - (1 + 2e) is e². A rounded product has lost it, so the difference must be 0.
template <class T>
void check_that_products_are_rounded() {
  using V = Vector<T>;
  CHECK(call<T>([](V factor, V sum) { return factor * factor - sum; }) == 0);
  CHECK(call<T>([](V factor, V sum) { return sum - factor * factor; }) == 0);
  CHECK(call<T>([](V factor, V sum) { return factor * factor + -sum; }) == 0);
}

// Tests every exponent, and exact values so close to the midpoint of two floats that a double rounds to that midpoint.
void check_fma() {
  std::mt19937 random(1);
  const auto number = [&] { return fastnn::scalar::number_of<float>(static_cast<std::uint32_t>(random())); };
  const auto check = [](float a, float b, float c) {
    const float expected = std::fma(a, b, c), received = fastnn::scalar::fma(a, b, c);
    CHECK(expected == expected ? fastnn::scalar::bits_of(expected) == fastnn::scalar::bits_of(received)
                               : received != received);
  };
  for (int i = 0; i < 1000000; ++i) {
    const float a = number(), b = number();
    check(a, b, number());
    check(a, b, -a * b);

    // ±(1 - d²) + (2^24 + 2n), all times a power of two.
    const float d = static_cast<float>(1 + random() % 64) * 0x1p-23f;
    const float scale = std::ldexp(random() % 2 ? 1.0f : -1.0f, static_cast<int>(random() % 200) - 100);
    check((1 + d) * scale, 1 - d, (0x1p24f + static_cast<float>(2 * (random() % 1000))) * std::fabs(scale));
  }
}

}  // namespace

int main() {
  check_that_products_are_rounded<float>();
  check_that_products_are_rounded<double>();
  check_fma();
}
