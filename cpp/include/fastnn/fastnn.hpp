// A model file, loaded and run:
//
//   #include <fastnn/fastnn.hpp>
//
//   const auto model = fastnn::Model::load("digits.safetensors");
//   std::vector<float> y(rows * model.outputs());
//   model.predict(x, rows, y.data());  // x: rows of model.inputs() numbers
//
// In code that may neither wait nor fail, such as an audio callback:
//
//   auto prepared = model.prepare(64);             // before, for calls of up to 64 rows
//   if (!prepared.predict(x, rows, y)) silence();  // no allocation, lock, system call or exception
//
// Answers have the bits of Python's (docs/numerics.md). What is thrown is fastnn::Error (error.hpp) or std::bad_alloc.
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

// Never changes; any number of threads may call it at once, and copies share its memory.
class Model {
 public:
  Model(const Model&) = default;  // which moving does too, so that none is ever without a network
  Model& operator=(const Model&) = default;

  static Model load(const std::string& path);
  static Model from_bytes(const void* data, std::size_t size);  // the content of such a file

  std::size_t inputs() const noexcept;
  std::size_t outputs() const noexcept;
  Dtype dtype() const noexcept;
  std::string fingerprint() const;  // Python's Sequential.fingerprint(); reads all weights

  // y (rows, outputs) of x (rows, inputs), both contiguous and apart from each other. The numbers must be of the
  // model's dtype: float for float32, double for float64. Long calls use several threads (threads.hpp).
  void predict(const float* x, std::size_t rows, float* y) const;
  void predict(const double* x, std::size_t rows, double* y) const;

  // For calls of up to max_rows rows on the calling thread alone; prepare<double>(max_rows) of a float64 model. Keeps
  // the model's memory for as long as it lives.
  template <class T = float>
  Prepared<T> prepare(std::size_t max_rows) const;

 private:
  template <class T>
  using Shared = std::shared_ptr<const Network<T>>;
  using Any = std::variant<Shared<float>, Shared<double>>;

  explicit Model(const ModelFile& file);
  template <class T>
  const Shared<T>& network() const;  // Error where the model is of the other dtype
  template <class T>
  void predict_rows(const T* x, std::size_t rows, T* y) const;

  Any network_;
};

// A model with memory for its calls, of which there may be one at a time; other threads prepare their own.
template <class T>
class Prepared {
 public:
  // Error for a null pointer or max_rows of 0. One that has been moved from answers false.
  Prepared(std::shared_ptr<const Network<T>> network, std::size_t max_rows);
  ~Prepared();
  Prepared(Prepared&&) noexcept;
  Prepared& operator=(Prepared&&) noexcept;

  std::size_t max_rows() const noexcept;

  // As Model::predict, with the same bits. False, and y as it was, for more rows than max_rows and for what is an Error
  // there. No allocation, lock or system call (test_real_time.py).
  [[nodiscard]] bool predict(const T* x, std::size_t rows, T* y) noexcept;

 private:
  struct Memory;
  std::unique_ptr<Memory> memory_;
};

}  // namespace fastnn
