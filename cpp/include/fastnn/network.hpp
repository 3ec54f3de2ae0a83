// A dense network, built once and then only run.
//
//   #include <fastnn/network.hpp>
//
//   // 2 inputs -> 2 units, tanh -> 1 unit; kernels are (inputs, units), row by row.
//   using fastnn::Activation;
//   const float hidden[] = {1, -1, 1, 1}, last[] = {2, -1};
//   const fastnn::Network<float> network(2, {{2, Activation::tanh, hidden}, {1, Activation::linear, last}});
//
//   const float x[] = {2, 3};
//   float y[1];
//   network.forward({x, 1, 2}, y);  // 1 row, 2 numbers from row to row: y[0] = 1.2382243
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "fastnn/activation.hpp"
#include "fastnn/error.hpp"
#include "fastnn/function_ref.hpp"

namespace fastnn {

// The version of docs/numerics.md that every answer follows.
constexpr int kNumericsVersion = 1;

// Of weights, arithmetic and outputs: float or double.
enum class Dtype { float32, float64 };
template <class T>
constexpr Dtype kDtype = std::is_same_v<T, float> ? Dtype::float32 : Dtype::float64;
const char* dtype_name(Dtype dtype);

// What an activation is told beside x, in the order of activation_parameter_names(); the others are 0.
using ActivationParameters = std::array<double, 2>;

// Throws Error, naming the valid ones.
Activation activation_from_name(const std::string& name);
const char* activation_name(Activation activation);
std::vector<std::string> activation_names();  // those that a layer may have beside a kernel: "linear", "relu", …
std::vector<std::string> activation_parameter_names(Activation activation);

// Throws Error for what is no number, or no bound of a clip, or not greater than 0 where it must be.
void check_parameters(Activation activation, const ActivationParameters& parameters);

// One layer: y = activation(x · kernel + bias), x of `inputs` numbers (the units of the layer before), y of `units`.
// One with scale or shift (prelu, affine, layer_normalization) has no kernel.
template <class T>
struct Layer {
  std::size_t units;
  Activation activation = Activation::linear;
  const T* kernel = nullptr;  // (inputs, units), contiguous; null: no product, y = activation(x), units == inputs
  const T* bias = nullptr;    // (units,); null: none
  ActivationParameters parameters{};
  const T* scale = nullptr;  // (units,)
  const T* shift = nullptr;  // (units,)
};

// Rows of numbers somewhere in memory: element (r, c) is data[r * row_stride + c * column_stride].
template <class T>
struct Rows {
  const T* data;
  std::size_t rows;
  std::ptrdiff_t row_stride;
  std::ptrdiff_t column_stride = 1;
};

template <class T>
class Prepared;  // fastnn.hpp

// T is float or double. A built network never changes; any number of threads may call it at once.
// The bits of a row's answer depend on the network and that row alone: see docs/numerics.md.
template <class T>
class Network {
 public:
  // Copies and packs the weights. Throws Error when sizes do not chain, when `inputs` or a layer's
  // units are not from 1 to 2^31 - 1, when there is no layer, or for what check_parameters() throws; std::bad_alloc
  // when memory is short. A network that has been moved from may only be destroyed or assigned to.
  Network(std::size_t inputs, const std::vector<Layer<T>>& layers);
  ~Network();
  Network(Network&&) noexcept;
  Network& operator=(Network&&) noexcept;

  std::size_t inputs() const noexcept;
  std::size_t units() const noexcept;  // of the last layer
  std::size_t layers() const noexcept;
  std::size_t units(std::size_t layer) const noexcept;

  // Multiply-adds that a row takes, an activation counted as 16 of them: what its time is about proportional to.
  double work() const noexcept;

  // SHA-256, in hex, of what decides the answers (docs/model-format.md); Python's Sequential.fingerprint() is this.
  std::string fingerprint() const;

  // Blocks that so many rows are cut into on one thread, with the instruction set in use: each goes through all layers
  // before the next does, and so reads all weights once.
  std::size_t blocks(std::size_t rows) const;

  // y (rows, units), contiguous, not overlapping x. Where the work is worth it other threads take part (threads.hpp).
  // Allocates only where a thread's call needs more scratch than those before, or more than 64 MiB, which are given
  // back, and for threads that it is the first to need; std::bad_alloc when memory is short. Error for so many rows
  // that those of inputs or of a layer's units would be 2^63 bytes or more.
  //
  // `go_on`, unless empty, is asked now and then on the calling thread (about every millisecond; every 40 on CPUs
  // without fma). Once it says false the call ends soon, y unfinished, and returns false; otherwise true.
  bool forward(Rows<T> x, T* y, FunctionRef<bool()> go_on = {}) const;

  // The same for every layer: outputs[i] is (rows, units(i)), contiguous, or null where it is not wanted.
  bool representations(Rows<T> x, T* const* outputs, FunctionRef<bool()> go_on = {}) const;

 private:
  friend class Prepared<T>;
  struct Packed;
  class Forward;

  // Memory, in numbers, for up to so many rows; and forward in it, on the calling thread alone.
  std::size_t scratch_size(std::size_t rows) const;
  void forward_in(T* scratch, std::size_t size, Rows<T> x, T* y) const noexcept;

  std::unique_ptr<const Packed> packed_;
};

}  // namespace fastnn
