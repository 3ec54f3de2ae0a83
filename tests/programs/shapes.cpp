// Tests the numerics contract in C++ alone, for machines without Python (docs/numerics.md, "How it is held"). It
// compares networks of many shapes with the scalar reference on every instruction set, and prints a hash of their
// outputs, which is the same everywhere. `shapes 100 7` runs 100 networks, starting with number 7.
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <exception>

#include "drawn_network.hpp"

namespace {

// FNV-1a.
class Hash {
 public:
  template <class T>
  void add(const std::vector<T>& numbers) {
    for (std::size_t i = 0; i < numbers.size() * sizeof(T); ++i)
      value_ = (value_ ^ reinterpret_cast<const unsigned char*>(numbers.data())[i]) * 1099511628211u;
  }
  std::uint64_t value() const { return value_; }

 private:
  std::uint64_t value_ = 14695981039346656037u;
};

constexpr std::size_t kCalls = 8;  // per network; consecutive seeds go through all of 0 … kMostRows rows

template <class T>
int differences(std::uint64_t seed, Hash& hash) {
  int different = 0;
  fastnn::set_isa(fastnn::isas().back());
  const drawn::Network<T> network(seed);
  for (const std::vector<T>& layer : network.expected()) hash.add(layer);
  for (const std::string& isa : fastnn::isas()) {
    fastnn::set_isa(isa);
    for (std::size_t call = seed * kCalls; call < (seed + 1) * kCalls; ++call) {
      const std::size_t rows = call % (drawn::kMostRows + 1), way = call * 5 % 16;
      if (network.answers(rows, way)) continue;
      std::printf("network %" PRIu64 " of float%zu, %s, %zu rows placed in way %zu: not the reference's bits\n", seed,
                  8 * sizeof(T), isa.c_str(), rows, way);
      ++different;
    }
  }
  return different;
}

}  // namespace

int main(int argc, char** argv) try {
  const std::uint64_t count = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 544;
  const std::uint64_t first = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 0;
  std::printf("%s of", fastnn::isa().c_str());
  for (const std::string& isa : fastnn::isas()) std::printf(" %s", isa.c_str());
  std::puts("");
  Hash hash;
  int different = 0;
  for (std::uint64_t seed = first; seed < first + count; ++seed)
    different += differences<float>(seed, hash) + differences<double>(seed, hash);
  std::printf("%" PRIu64 " networks, hash %016" PRIx64 "\n", count, hash.value());
  return different == 0 ? 0 : 1;
} catch (const std::exception& error) {
  std::fprintf(stderr, "shapes: %s\n", error.what());
  return 2;
}
