// Calls a network from destructors, at the end of a thread and of the process, when the library has already destroyed
// the scratch that it keeps for a thread. The outputs must still be right.
#include <cstdlib>
#include <fastnn/network.hpp>
#include <thread>
#include <vector>

#include "check.hpp"

namespace {

using fastnn::Activation;
using fastnn::Network;

constexpr std::size_t kWidth = 50, kRows = 20;

const Network<float>& network() {
  static const auto* made = [] {  // never destroyed
    const std::vector<float> kernel(kWidth * kWidth, 0.25f);
    return new Network<float>(kWidth,
                              {fastnn::dense_layer(kWidth, kernel.data()), fastnn::dense_layer(1, kernel.data())});
  }();
  return *made;
}

void call() {
  const std::vector<float> x(kRows * kWidth, 1);
  std::vector<float> y(kRows);
  network().forward({x.data(), kRows, kWidth}, y.data());
  for (const float answer : y) CHECK(answer == kWidth * 0.25f * kWidth * 0.25f);
}

struct Caller {
  ~Caller() {
    call();
    call();
  }
};

Caller at_exit_of_the_process;

}  // namespace

int main() {
  std::atexit(call);
  std::thread([] {
    thread_local Caller older;  // constructed before the library's scratch, so destroyed after it
    (void)&older;
    call();
  }).join();
  call();
}
