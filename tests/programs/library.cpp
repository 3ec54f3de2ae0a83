// For test_cpp_library.py: `program MODEL` checks the promises of fastnn.hpp with valid and invalid arguments, then
// prints the fingerprint of the model. It exits with 0, or prints the line of the check that failed.
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fastnn/fastnn.hpp>
#include <fstream>
#include <iterator>
#include <limits>
#include <new>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "check.hpp"

namespace {

using fastnn::Model;
using fastnn::Prepared;

// Returns the message of the error that call() throws, empty if it throws none.
template <class Call>
std::string error_of(const Call& call) {
  try {
    call();
    return "";
  } catch (const fastnn::Error& error) {
    return error.what();
  }
}

#define CHECK_SENTENCE(call, beginning) CHECK(error_of([&] { call; }).rfind(beginning, 0) == 0)

template <class T>
std::vector<T> some_rows(std::size_t size) {
  std::vector<T> x(size);
  unsigned state = 1;
  for (T& each : x) each = static_cast<T>(static_cast<int>(state = state * 1664525u + 1013904223u) >> 8) / (1 << 20);
  return x;
}

template <class T>
void check_calls(const Model& model) {
  using Other = std::conditional_t<std::is_same_v<T, float>, double, float>;
  constexpr std::size_t kRows = 150;
  const std::size_t n = model.inputs(), m = model.outputs();
  const std::vector<T> x = some_rows<T>(kRows * n);
  std::vector<T> y(kRows * m), z(kRows * m);
  model.predict(x.data(), kRows, y.data());
  const auto is_as_predicted = [&](std::size_t rows) {
    return std::equal(z.begin(), z.begin() + static_cast<std::ptrdiff_t>(rows * m), y.begin());
  };

  std::optional<Model> first = model;
  Prepared<T> prepared = first->prepare<T>(kRows);
  first.reset();  // the Prepared keeps the weights alive
  CHECK(prepared.max_rows() == kRows);
  for (std::size_t rows = 0; rows <= kRows; ++rows) {
    CHECK(prepared.predict(x.data(), rows, z.data()) && is_as_predicted(rows));
    std::fill(z.begin(), z.end(), T{});
    Prepared<T> fitting = model.prepare<T>(rows + 1);
    CHECK(fitting.predict(x.data(), rows, z.data()) && is_as_predicted(rows));
  }

  // Row counts around which a number of bytes overflows, or the end of an array wraps around to before its beginning.
  for (const std::size_t bytes : {std::numeric_limits<std::size_t>::max(), std::numeric_limits<std::size_t>::max() / 2})
    for (const std::size_t rows : {bytes / sizeof(T) / std::max(n, m), bytes / sizeof(T), bytes}) {
      const std::size_t more = rows + (bytes >> 63 == 0 ? 1 : 0);
      CHECK_SENTENCE(model.predict(x.data(), more, z.data()), "expected as many rows as fit into memory");
      CHECK(!prepared.predict(x.data(), more, z.data()));
      Prepared<T> endless = model.prepare<T>(more);
      CHECK(endless.max_rows() == more && !endless.predict(x.data(), more, z.data()));
      CHECK(endless.predict(x.data(), kRows, z.data()) && is_as_predicted(kRows));
    }

  const std::size_t too_many = std::numeric_limits<std::size_t>::max() / 2;
  auto* const odd = reinterpret_cast<T*>(reinterpret_cast<char*>(z.data()) + 1);
  T* const overlapping = const_cast<T*>(x.data()) + n - 1;
  CHECK_SENTENCE(model.predict(static_cast<T*>(nullptr), 1, z.data()), "expected x and y; received a null");
  CHECK_SENTENCE(model.predict(x.data(), 1, static_cast<T*>(nullptr)), "expected x and y; received a null");
  CHECK_SENTENCE(model.predict(x.data(), too_many, z.data()), "expected as many rows as fit into memory");
  CHECK_SENTENCE(model.predict(x.data(), 1, odd), "expected x and y aligned");
  CHECK_SENTENCE(model.predict(x.data(), 1, overlapping), "expected x and y not to overlap");
  std::vector<T> both(kRows * (n + m));  // y lies before x, and the first number of x is the last of y
  CHECK_SENTENCE(model.predict(both.data() + kRows * m - 1, kRows, both.data()), "expected x and y not to overlap");
  CHECK_SENTENCE(model.predict(static_cast<Other*>(nullptr), 0, nullptr), "expected numbers of float");
  CHECK_SENTENCE(model.prepare<Other>(1), "expected numbers of float");
  CHECK_SENTENCE(model.prepare<T>(0), "expected max_rows of at least 1");
  CHECK(!prepared.predict(nullptr, 1, z.data()) && !prepared.predict(x.data(), 1, nullptr));
  CHECK(!prepared.predict(x.data(), kRows + 1, z.data()) && !prepared.predict(x.data(), too_many, z.data()));
  CHECK(!prepared.predict(x.data(), 1, odd) && !prepared.predict(x.data(), 1, overlapping));
  CHECK(x == some_rows<T>(kRows * n));

  Prepared<T> moved = std::move(prepared);
  CHECK(moved.predict(x.data(), 1, z.data()) && is_as_predicted(1));
  CHECK(!prepared.predict(x.data(), 1, z.data()) && prepared.max_rows() == 0);
}

// Networks and numbers of rows that take 2^64 bytes or more.
template <class T>
void check_sizes() {
  using fastnn::Layer;
  const T kernel[] = {1};
  T y[1], *outputs[] = {y};
  const fastnn::Network<T> network(1, {fastnn::dense_layer(1, kernel)});
  const std::size_t most = std::numeric_limits<std::size_t>::max() / 2 / sizeof(T);
  for (const std::size_t rows : {most + 1, 2 * most, 2 * most + 1, 2 * most + 2, most * 2 * sizeof(T) + 1}) {
    CHECK_SENTENCE(network.forward({kernel, rows, 0}, y), "expected as many rows as fit into memory");
    CHECK_SENTENCE(network.representations({kernel, rows, 0}, outputs), "expected as many rows as fit into memory");
  }

  const std::size_t width = (std::size_t{1} << 31) - 1;
  std::vector<Layer<T>> layers(4, fastnn::dense_layer(width, kernel));
  layers.push_back(fastnn::dense_layer(4, kernel));  // the sum of all is 2^64 and little more
  try {
    const fastnn::Network<T> endless(width, layers);
    CHECK(false);
  } catch (const std::bad_alloc&) {
  }
}

void check_bytes(const char* path, const Model& model) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  CHECK(Model::from_bytes(bytes.data(), bytes.size()).fingerprint() == model.fingerprint());
  for (std::size_t size = 0; size < bytes.size(); ++size)  // in a buffer of exactly that size, for sanitizers
    CHECK(!error_of([&] {
             Model::from_bytes(std::vector<char>(bytes.data(), bytes.data() + size).data(), size);
           }).empty());
  CHECK_SENTENCE(Model::from_bytes(bytes.data(), bytes.size() - 1), "model: has ");
  CHECK_SENTENCE(Model::from_bytes(nullptr, 8), "expected the bytes of a model file");
}

}  // namespace

int main(int, char** arguments) try {
  const Model model = Model::load(arguments[1]);
  if (model.dtype() == fastnn::Dtype::float32)
    check_calls<float>(model);
  else
    check_calls<double>(model);
  check_sizes<float>();
  check_sizes<double>();
  check_bytes(arguments[1], model);
  try {
    Model::load("missing");
    CHECK(false);
  } catch (const fastnn::FileError& error) {
    CHECK(error.code == ENOENT && error.path == "missing");
    CHECK(std::string(error.what()) == "missing: cannot open: No such file or directory");
  }
  std::puts(model.fingerprint().c_str());
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
