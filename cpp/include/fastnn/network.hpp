// A dense network, built once and then only run.
//
//   #include <fastnn/network.hpp>
//
//   // 2 inputs -> 2 units, tanh -> 1 unit; kernels are (inputs, units), row by row.
//   using namespace fastnn;
//   const float hidden[] = {1, -1, 1, 1}, last[] = {2, -1};
//   const Network<float> network(2, {dense_layer(2, hidden, nullptr, Activation::tanh), dense_layer(1, last)});
//
//   const float x[] = {2, 3};
//   float y[1];
//   network.forward({x, 1, 2}, y);  // 1 row, 2 numbers from row to row: y[0] = 1.2382243
#pragma once

#include <array>
#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "fastnn/error.hpp"
#include "fastnn/function_ref.hpp"
#include "fastnn/layers.hpp"

namespace fastnn {

// The version of docs/numerics.md that every answer follows.
constexpr int kNumericsVersion = 1;

// Of weights, arithmetic and outputs: float or double.
enum class Dtype { float32, float64 };
template <class T>
constexpr Dtype kDtype = std::is_same_v<T, float> ? Dtype::float32 : Dtype::float64;
const char* dtype_name(Dtype dtype);

// Rows of kActivations and kLayers; null for an unknown name. activation_names() and layer_names() list them for
// errors.
const ActivationRow* find_activation(const std::string& name);
const LayerRow* find_layer(const std::string& class_name);
std::string activation_names();
std::string layer_names();

// The same; throw Error, naming the valid names.
const ActivationRow& activation_row(const std::string& name);
const LayerRow& layer_row(const std::string& class_name);
const LayerRow& layer_row(LayerKind kind);
const char* activation_name(Activation activation);

// The values of parameters, in the order of their rows; unused ones are 0.
using Parameters = std::array<double, kMostParameters>;

// The parameters that a layer has: its activation's, or its kind's own.
std::vector<Parameter> parameters_of(LayerKind kind, Activation activation);

// Throws Error for a value outside a domain; for one of values outside its parameter's.
void check_value(const std::string& name, Domain domain, double value);
void check_parameters(const std::vector<Parameter>& rows, const Parameters& values);

// One layer of a network. The caller owns the weights.
template <class T>
struct Layer {
  using Numbers = const T*;
  LayerKind kind;
  std::size_t units;
  Activation activation = Activation::linear;
  Parameters parameters{};
  std::map<std::string, Numbers> weights{};  // by name, contiguous: kernel (inputs, units), others (units,)
};

// A Dense layer; bias null: none.
template <class T>
Layer<T> dense_layer(std::size_t units, const T* kernel, typename Layer<T>::Numbers bias = nullptr,
                     Activation activation = Activation::linear, Parameters parameters = {}) {
  Layer<T> layer{LayerKind::dense, units, activation, parameters, {{"kernel", kernel}}};
  if (bias != nullptr) layer.weights["bias"] = bias;
  return layer;
}

// An Activation layer; units: as many as inputs.
template <class T>
Layer<T> activation_layer(std::size_t units, Activation activation, Parameters parameters = {}) {
  return {LayerKind::activation, units, activation, parameters, {}};
}

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
  // Validates the layers, copies and packs their weights. Throws Error for no layer, `inputs` or units outside 1 to
  // 2^31 - 1, weights that are not exactly those of the layer's kind, and what check_parameters() throws;
  // std::bad_alloc when memory is short. A network that has been moved from may only be destroyed or assigned to.
  Network(std::size_t inputs, const std::vector<Layer<T>>& layers);
  ~Network();
  Network(Network&&) noexcept;
  Network& operator=(Network&&) noexcept;

  std::size_t inputs() const noexcept;
  std::size_t units() const noexcept;  // of the last layer
  std::size_t layers() const noexcept;
  std::size_t units(std::size_t layer) const noexcept;

  // Returns the multiply-adds per row, to which the time is about proportional; an activation counts as 16.
  double work() const noexcept;

  // SHA-256, in hex, of what decides the answers (docs/model-format.md); Python's Sequential.fingerprint() is this.
  std::string fingerprint() const;

  // Returns the number of blocks that one thread splits so many rows into. It reads all weights once per block.
  std::size_t blocks(std::size_t rows) const;

  // Computes y (rows, units), contiguous and not overlapping x. Long calls use several threads (threads.hpp). Each
  // thread keeps up to 64 MiB of scratch; a call allocates only to grow it or to start threads. Throws std::bad_alloc
  // if memory is short, Error if the numbers of a layer for all rows would take 2^63 bytes or more.
  //
  // `go_on`, unless empty, is called on the calling thread about every millisecond (every 40 on CPUs without fma).
  // After it returns false the call ends soon, leaves y unfinished and returns false; otherwise forward returns true.
  bool forward(Rows<T> x, T* y, FunctionRef<bool()> go_on = {}) const;

  // As forward, for every layer: outputs[i] is (rows, units(i)), contiguous, or null if it is not needed.
  bool representations(Rows<T> x, T* const* outputs, FunctionRef<bool()> go_on = {}) const;

 private:
  friend class Prepared<T>;
  struct Packed;
  class Forward;

  // Returns the size of scratch for up to `rows` rows; forward_in runs in it, on the calling thread alone.
  std::size_t scratch_size(std::size_t rows) const;
  void forward_in(T* scratch, std::size_t size, Rows<T> x, T* y) const noexcept;

  std::unique_ptr<const Packed> packed_;
};

}  // namespace fastnn
