// A network calls go_on often, on the calling thread only, and never again after it has returned false. It uses the
// portable kernels. It exits with 0, or prints the line of the check that failed.
#include <thread>
#include <vector>

#include "check.hpp"
#include "fastnn/isa.hpp"
#include "fastnn/network.hpp"
#include "fastnn/threads.hpp"

namespace {

// Checks run(go_on) with a go_on that returns false at its first, second or third call, or never. With several threads
// the calling one may get no part and never call it.
void check(fastnn::FunctionRef<bool(fastnn::FunctionRef<bool()>)> run) {
  const auto caller = std::this_thread::get_id();
  for (const int last : {1, 2, 3, 0}) {
    int asked = 0;
    const bool finished = run([&] {
      CHECK(std::this_thread::get_id() == caller);
      CHECK(last == 0 || asked < last);
      return ++asked != last;
    });
    CHECK(finished == (last == 0 || asked < last));
    CHECK(asked >= 3 || asked == last || fastnn::num_threads() > 1);
  }
}

// The layers have no kernels. relu counts as much work as tanh but takes hardly any time.
void check_network(std::size_t units, std::size_t rows, fastnn::Activation last) {
  std::vector<fastnn::Layer<float>> layers(4, fastnn::activation_layer<float>(units, fastnn::Activation::relu));
  layers.push_back(fastnn::activation_layer<float>(units, last));
  const fastnn::Network<float> network(units, layers);
  const std::vector<float> numbers(units * rows, 1.0f);
  std::vector<float> y(units * rows), hidden(units * rows);
  float* const outputs[] = {nullptr, hidden.data(), nullptr, nullptr, y.data()};
  const fastnn::Rows<float> x = {numbers.data(), rows, std::ptrdiff_t(units)};
  check([&](fastnn::FunctionRef<bool()> go_on) { return network.forward(x, y.data(), go_on); });
  check([&](fastnn::FunctionRef<bool()> go_on) { return network.representations(x, outputs, go_on); });
}

}  // namespace

int main() {
  fastnn::set_isa(fastnn::isas().back());
  for (const std::size_t threads : {1, 2, 3, 64}) {
    fastnn::set_num_threads(threads);
    for (const auto last : {fastnn::Activation::linear, fastnn::Activation::softmax}) {
      check_network(100, 20'003, last);   // threads share blocks
      check_network(1'000'000, 1, last);  // threads share the units of a layer
      check_network(300'000, 13, last);   // the same, block after block, if there are more threads than blocks
    }
  }
}
