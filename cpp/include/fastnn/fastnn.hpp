// Loads a model file and runs it:
//
//   #include <fastnn/fastnn.hpp>
//
//   const auto model = fastnn::Model::load("digits.safetensors");
//   std::vector<float> y(rows * model.outputs());
//   model.predict(x, rows, y.data());  // x: rows * model.inputs() floats, row by row
//
// Real-time code, such as an audio callback, may neither wait nor fail. It prepares a model first:
//
//   auto prepared = model.prepare(64);             // outside the callback, for calls of up to 64 rows
//   if (!prepared.predict(x, rows, y)) silence();  // inside: no allocation, lock, system call or exception
//
// Results have the same bits as in Python (docs/numerics.md). Functions throw fastnn::Error (error.hpp) or
// std::bad_alloc.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <variant>

#include "fastnn/error.hpp"
#include "fastnn/network.hpp"

namespace fastnn {

struct ModelFile;  // model_file.hpp
template <class T>
class Prepared;

// A loaded model. It is immutable and thread-safe, and copies share their memory.
class Model {
 public:
  Model(const Model&) = default;  // a move copies too, so that no Model is ever empty
  Model& operator=(const Model&) = default;

  // Reads a model file, or its `size` bytes in memory. Throws what load_model and parse_model throw (model_file.hpp).
  static Model load(const std::string& path);
  static Model from_bytes(const void* data, std::size_t size);

  std::size_t inputs() const noexcept;
  std::size_t outputs() const noexcept;
  Dtype dtype() const noexcept;
  std::string fingerprint() const;  // as Python's Sequential.fingerprint(); reads all weights

  // Computes y (rows, outputs) from x (rows, inputs). Both are contiguous and do not overlap. Their type must be the
  // model's dtype: float for float32, double for float64. Long calls use several threads (threads.hpp). Throws Error
  // for null, misaligned or overlapping arrays, for the other dtype, and for more rows than fit into memory.
  void predict(const float* x, std::size_t rows, float* y) const;
  void predict(const double* x, std::size_t rows, double* y) const;

  // Returns a Prepared for calls of up to max_rows rows; for a float64 model call prepare<double>(max_rows). It keeps
  // the weights alive after the Model is gone. Throws Error for max_rows of 0 or the other dtype.
  template <class T = float>
  Prepared<T> prepare(std::size_t max_rows) const;

 private:
  template <class T>
  using Shared = std::shared_ptr<const Network<T>>;
  using Any = std::variant<Shared<float>, Shared<double>>;

  explicit Model(const ModelFile& file);
  template <class T>
  const Shared<T>& network() const;  // throws Error if the model has the other dtype
  template <class T>
  void predict_rows(const T* x, std::size_t rows, T* y) const;

  Any network_;
};

// A model with memory for its calls, for real-time code. It runs on the calling thread alone and is not thread-safe:
// prepare one per thread.
template <class T>
class Prepared {
 public:
  // Throws Error for a null pointer or max_rows of 0. After a move, predict of the moved-from object returns false.
  Prepared(std::shared_ptr<const Network<T>> network, std::size_t max_rows);
  ~Prepared();
  Prepared(Prepared&&) noexcept;
  Prepared& operator=(Prepared&&) noexcept;

  std::size_t max_rows() const noexcept;

  // As Model::predict, with the same bits, but without allocation, lock or system call (test_real_time.py). Returns
  // false and leaves y unchanged for more than max_rows rows, and where Model::predict throws Error.
  [[nodiscard]] bool predict(const T* x, std::size_t rows, T* y) noexcept;

 private:
  struct Memory;
  std::unique_ptr<Memory> memory_;
};

}  // namespace fastnn
