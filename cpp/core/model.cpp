// See fastnn/fastnn.hpp. A Model is a network of either dtype; a Prepared adds the scratch for its calls. All checks of
// a call are in fault(), which both use.
#include <algorithm>
#include <cstdint>
#include <utility>

#include "fastnn/fastnn.hpp"
#include "fastnn/model_file.hpp"
#include "packed_network.hpp"

namespace fastnn {
namespace {

// Returns the error message for a call with these arguments, or null if they are valid.
template <class T>
const char* fault(const Network<T>& network, const T* x, std::size_t rows, const T* y) noexcept {
  if (rows == 0) return nullptr;
  if (x == nullptr || y == nullptr) return "expected x and y; received a null pointer";
  if (rows > rows_that_fit<T>(std::max(network.inputs(), network.units()))) return kTooManyRows;
  const auto from = reinterpret_cast<std::uintptr_t>(x), to = reinterpret_cast<std::uintptr_t>(y);
  if ((from | to) % alignof(T) != 0) return "expected x and y aligned for their type; received a misaligned pointer";
  if (from < to + rows * network.units() * sizeof(T) && to < from + rows * network.inputs() * sizeof(T))
    return "expected x and y not to overlap; received overlapping arrays";
  return nullptr;
}

template <class T>
Rows<T> contiguous(const Network<T>& network, const T* x, std::size_t rows) noexcept {
  return {x, rows, static_cast<std::ptrdiff_t>(network.inputs())};
}

template <class T>
std::shared_ptr<const Network<T>> built(const ModelFile& file) {
  return std::make_shared<const Network<T>>(build_network<T>(file));
}

}  // namespace

Model::Model(const ModelFile& file)
    : network_(file.architecture->dtype == Dtype::float32 ? Any(built<float>(file)) : Any(built<double>(file))) {}

Model Model::load(const std::string& path) { return Model(load_model(path)); }

Model Model::from_bytes(const void* data, std::size_t size) { return Model(parse_model(data, size)); }

std::size_t Model::inputs() const noexcept {
  return std::visit([](const auto& network) { return network->inputs(); }, network_);
}

std::size_t Model::outputs() const noexcept {
  return std::visit([](const auto& network) { return network->units(); }, network_);
}

Dtype Model::dtype() const noexcept { return network_.index() == 0 ? Dtype::float32 : Dtype::float64; }

std::string Model::fingerprint() const {
  return std::visit([](const auto& network) { return network->fingerprint(); }, network_);
}

template <class T>
const Model::Shared<T>& Model::network() const {
  if (const auto* found = std::get_if<Shared<T>>(&network_)) return *found;
  throw Error(std::string("expected numbers of ") + dtype_name(dtype()) + ", the model's dtype; received " +
              dtype_name(kDtype<T>));
}

template <class T>
void Model::predict_rows(const T* x, std::size_t rows, T* y) const {
  const Network<T>& model = *network<T>();
  if (const char* found = fault(model, x, rows, y)) throw Error(found);
  model.forward(contiguous(model, x, rows), y);
}

void Model::predict(const float* x, std::size_t rows, float* y) const { predict_rows(x, rows, y); }
void Model::predict(const double* x, std::size_t rows, double* y) const { predict_rows(x, rows, y); }

template <class T>
Prepared<T> Model::prepare(std::size_t max_rows) const {
  return Prepared<T>(network<T>(), max_rows);
}
template Prepared<float> Model::prepare<float>(std::size_t) const;
template Prepared<double> Model::prepare<double>(std::size_t) const;

template <class T>
struct Prepared<T>::Memory {
  std::shared_ptr<const Network<T>> network;
  std::size_t max_rows;
  AlignedBuffer<T> scratch;
};

template <class T>
Prepared<T>::Prepared(std::shared_ptr<const Network<T>> network, std::size_t max_rows) {
  if (network == nullptr) throw Error("expected a network; received a null pointer");
  if (max_rows == 0) throw Error("expected max_rows of at least 1; received 0");
  AlignedBuffer<T> scratch(network->scratch_size(max_rows));
  memory_.reset(new Memory{std::move(network), max_rows, std::move(scratch)});
}

template <class T>
Prepared<T>::~Prepared() = default;
template <class T>
Prepared<T>::Prepared(Prepared&&) noexcept = default;
template <class T>
Prepared<T>& Prepared<T>::operator=(Prepared&&) noexcept = default;

template <class T>
std::size_t Prepared<T>::max_rows() const noexcept {
  return memory_ == nullptr ? 0 : memory_->max_rows;
}

template <class T>
bool Prepared<T>::predict(const T* x, std::size_t rows, T* y) noexcept {
  if (memory_ == nullptr || rows > memory_->max_rows) return false;
  const Network<T>& network = *memory_->network;
  if (fault(network, x, rows, y) != nullptr) return false;
  network.forward_in(memory_->scratch.data(), memory_->scratch.size(), contiguous(network, x, rows), y);
  return true;
}

template class Prepared<float>;
template class Prepared<double>;

}  // namespace fastnn
