// The numerics contract in C++ alone, for machines without Python (docs/numerics.md, "How it is held"): every
// instruction set against the scalar reference, and a hash of fixed networks' answers that is the same everywhere.
//
//   aarch64-linux-gnu-g++ -static -std=c++17 -O3 -ffp-contract=off -Icpp/include -o golden bench/golden.cpp
//     cpp/core/*.cpp cpp/io/usable_cpus.cpp cpp/kernels/portable.cpp -pthread && qemu-aarch64 ./golden
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <vector>

#include "../cpp/core/reference.hpp"
#include "fastnn/isa.hpp"
#include "fastnn/network.hpp"

namespace {

using fastnn::Activation;

// Numbers in [-1, 1), multiples of 2^-23, always the same ones.
template <class T>
std::vector<T> numbers(std::size_t count) {
  std::vector<T> result(count);
  std::uint64_t state = count;
  for (T& each : result) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    each = static_cast<T>(static_cast<std::int64_t>(state >> 40) - (1 << 23)) / T(1 << 23);
  }
  return result;
}

// Rows that differ from the reference in any bit.
template <class T>
int different_rows(std::size_t inputs, std::size_t units, std::size_t rows) {
  const std::vector<T> kernel = numbers<T>(inputs * units), bias = numbers<T>(units), x = numbers<T>(rows * inputs);
  const fastnn::Network<T> network(inputs, {{units, Activation::linear, kernel.data(), bias.data()}});
  std::vector<T> y(rows * units), expected(units);
  network.forward({x.data(), rows, static_cast<std::ptrdiff_t>(inputs)}, y.data());
  int different = 0;
  for (std::size_t r = 0; r < rows; ++r) {
    fastnn::reference_dense(inputs, units, kernel.data(), bias.data(), &x[r * inputs], expected.data());
    different += std::memcmp(expected.data(), &y[r * units], units * sizeof(T)) != 0;
  }
  return different;
}

// FNV-1a of the answers of 13-100-17-5 networks, one for each activation.
template <class T>
std::uint64_t answers_hash() {
  std::uint64_t hash = 14695981039346656037u;
  const std::vector<T> a = numbers<T>(13 * 100), b = numbers<T>(100 * 17), c = numbers<T>(17 * 5);
  for (const std::string& name : fastnn::activation_names())
    for (const std::size_t rows : {1, 33}) {
      const Activation activation = fastnn::activation_from_name(name);
      const fastnn::ActivationParameters parameters = {0.25, 0.75};
      const fastnn::Network<T> network(13, {{100, activation, a.data(), nullptr, parameters},
                                            {17, activation, b.data(), nullptr, parameters},
                                            {5, activation, c.data(), nullptr, parameters}});
      const std::vector<T> x = numbers<T>(rows * 13);
      std::vector<T> y(rows * 5);
      network.forward({x.data(), rows, 13}, y.data());
      for (std::size_t i = 0; i < y.size() * sizeof(T); ++i)
        hash = (hash ^ reinterpret_cast<const unsigned char*>(y.data())[i]) * 1099511628211u;
    }
  return hash;
}

template <class T>
int check(const char* dtype) {
  int different = 0;
  for (const std::size_t units : {1, 3, 4, 5, 8, 9, 16, 17, 31, 33, 64, 65, 100})
    for (const std::size_t inputs : {1, 2, 3, 7, 16, 17, 64, 100})
      for (const std::size_t rows : {1, 4, 5, 7, 8, 15, 17, 33, 97})
        different += different_rows<T>(inputs, units, rows);
  std::printf("%-8s %s: %d rows differ from the reference, hash %016" PRIx64 "\n", fastnn::isa().c_str(), dtype,
              different, answers_hash<T>());
  return different;
}

}  // namespace

int main() {
  int different = 0;
  for (const std::string& isa : fastnn::isas()) {
    fastnn::set_isa(isa);
    different += check<float>("float32") + check<double>("float64");
  }
  return different == 0 ? 0 : 1;
}
