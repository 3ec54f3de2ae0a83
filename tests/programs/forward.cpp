// A program for test_forward.py: Network asks go_on on the calling thread, often, and never again once it said false.
// It ends with 0, or says which line does not hold. The kernels are those that run everywhere.
#include <thread>
#include <vector>

#include "../../cpp/core/dispatch.hpp"
#include "check.hpp"
#include "fastnn/network.hpp"
#include "fastnn/threads.hpp"

namespace fastnn {
const KernelTable& active_kernels() { return portable::kTable; }
std::size_t usable_cpus() { return 1; }
}  // namespace fastnn

namespace {

// run(go_on), stopped at each of the first questions, and not at all. Beside other threads the caller may have nothing
// to do, and ask nothing.
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

// Layers are activations alone: relu counts as much work as tanh, and takes no time.
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
  for (const std::size_t threads : {1, 2, 3, 64}) {
    fastnn::set_num_threads(threads);
    for (const auto last : {fastnn::Activation::linear, fastnn::Activation::softmax}) {
      check_network(100, 20'003, last);   // blocks of rows are shared
      check_network(1'000'000, 1, last);  // units are
      check_network(300'000, 13, last);   // units of one block after another, where there are more threads than blocks
    }
  }
}
