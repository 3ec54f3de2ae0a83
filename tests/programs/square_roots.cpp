// The square roots by fmas are those of the CPU's instruction, for every float that Adam's velocity can be, and so are
// Adam's steps. Compiled for AVX-512. It exits with 0, or prints the check that failed.
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "check.hpp"

#define FASTNN_ISA avx512
#include "../../cpp/kernels/update.hpp"

namespace {

using namespace fastnn;
using namespace fastnn::avx512;

constexpr std::uint32_t kInfinityBits = 0x7f800000;

template <class To, class From>
To of_bits(From from) {
  To to;
  std::memcpy(&to, &from, sizeof(to));
  return to;
}

void check_roots(Vector<float> x) {
  const Vector<float> roots = sqrt<float>(x), by_fmas = sqrt_by_fmas<float>(x);
  CHECK(std::memcmp(&roots, &by_fmas, sizeof(roots)) == 0);
}

void check_all_roots() {
  for (auto bits = of_bits<std::uint32_t>(0x1p-100f); bits < kInfinityBits; bits += kLanes<float>)
    check_roots(of_bits<Vector<float>>(splat_bits<float>(static_cast<std::int32_t>(bits)) + lane_numbers<float>()));
  Vector<float> special = splat(4.0f);
  special[0] = 0, check_roots(special);
  special[1] = kInfinity<float>, check_roots(special);
  special[2] = kNaN<float>, check_roots(special);
  for (const float x : {-0.0f, -1.0f, 1e-31f, 1e-35f, 1e-40f, -kInfinity<float>})
    check_roots(splat(4.0f)), check_roots(splat(x));
}

// The weights after steps with gradients of all sizes: zeros, and at last those whose square or step is not finite.
std::vector<float> trained(bool has_slow_roots, bool amsgrad) {
  constexpr std::size_t kCount = 5 * 16 + 7;
  std::vector<float> weights(kCount, 1), slots[kMostSlots];
  for (auto& slot : slots) slot.assign(kCount, 0);
  slots[1][5] = -1e-6f, slots[2][6] = 1e-33f;  // of a state that somebody made
  float* const places[kMostSlots] = {slots[0].data(), slots[1].data(), amsgrad ? slots[2].data() : nullptr};
  Update<float> u{OptimizerKind::adam};
  u.flag = amsgrad, u.rate = 1e-3f, u.a = 0.1f, u.b = 1e-3f, u.epsilon = 1e-7f, u.has_slow_roots = has_slow_roots;
  for (int step = 0; step < 20; ++step) {
    std::vector<float> gradients(kCount);
    for (std::size_t i = 0; i < kCount; ++i)
      gradients[i] = i % 11 == 10 ? 0 : static_cast<float>(std::sin(static_cast<double>(i * 20) + step)) * 0.01f;
    if (step >= 10) gradients[3] = 1e25f, gradients[20] = 1e-25f, gradients[33] = kNaN<float>;
    update(u, kCount, gradients.data(), weights.data(), places);
  }
  return weights;
}

}  // namespace

int main() {
  check_all_roots();
  for (const bool amsgrad : {false, true}) {
    const std::vector<float> fast = trained(false, amsgrad), slow = trained(true, amsgrad);
    CHECK(std::memcmp(fast.data(), slow.data(), fast.size() * sizeof(float)) == 0);
    CHECK(std::isnan(fast[33]) && std::isfinite(fast[4]) && fast[4] != 1);
  }
}
