// For test_real_time.py: `program KIND CALLS MODEL…` makes CALLS calls of prepared models. Their inputs are normal
// numbers (KIND 0), subnormal (1), NaN (2) or huge (3). Everything else is the same for every kind, so instruction
// counts can be compared.
#include <cstdlib>
#include <fastnn/fastnn.hpp>
#include <limits>
#include <vector>

#include "check.hpp"

template <class T>
static void call(const fastnn::Model& model, int kind, int calls) {
  constexpr std::size_t kRows = 5;
  using Limits = std::numeric_limits<T>;
  const T sizes[] = {T{1}, Limits::min() / 16, Limits::quiet_NaN(), Limits::max() / 2};
  std::vector<T> x(kRows * model.inputs()), y(kRows * model.outputs());
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = i % 2 == 0 ? sizes[kind] : -sizes[kind];
  auto prepared = model.prepare<T>(kRows);
  for (int i = 0; i < calls; ++i) CHECK(prepared.predict(x.data(), i % 2 == 0 ? 1 : kRows, y.data()));
}

int main(int argc, char** argv) {
  for (int i = 3; i < argc; ++i) {
    const auto model = fastnn::Model::load(argv[i]);
    const auto call_with = model.dtype() == fastnn::Dtype::float32 ? call<float> : call<double>;
    call_with(model, std::atoi(argv[1]), std::atoi(argv[2]));
  }
}
