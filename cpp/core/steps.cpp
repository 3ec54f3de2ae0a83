#include "steps.hpp"

#include <algorithm>

#include "elementary.hpp"
#include "shared_work.hpp"

namespace fastnn {
namespace {

using elementary::is_finite;

// Of a kernel, so many inputs and panels at a time are summed and updated: 12 KiB.
constexpr std::size_t kPieceInputs = 64;
constexpr std::size_t kPiecePanels = 3;

// A call of memmove takes longer than a loop over so many numbers of a row.
constexpr std::size_t kFewNumbers = 8;

// Rows in another order are not foreseen by the CPU: those of the next block are asked for into level 2, and so many
// rows before they are copied into level 1.
constexpr std::size_t kRowsAhead = 6;

// Asks for a row of the data into a level of the caches.
template <int level, class T>
void prefetch_row(Rows<T> rows, std::ptrdiff_t row, std::size_t count) {
  if (rows.column_stride != 1) return;
  const char* bytes = reinterpret_cast<const char*>(rows.data + row * rows.row_stride);
  const char* last = bytes + count * sizeof(T) - 1;
  for (; bytes < last; bytes += kPanelBytes) __builtin_prefetch(bytes, 0, 4 - level);
  __builtin_prefetch(last, 0, 4 - level);
}

// Whether the loss is computed from the sums of the last layer.
template <class T>
bool takes_sums(const std::optional<LossSettings>& loss, const std::vector<TrainedLayer<T>>& layers) {
  return loss && !layers.empty() && layers.back().noise.kind == NoiseKind::none &&
         is_fused(loss->loss, layers.back().layer.activation, loss->parameters[0]);
}

}  // namespace

template <class T>
Steps<T>::Steps(std::size_t inputs, const std::vector<TrainedLayer<T>>& layers, std::optional<LossSettings> loss,
                const OptimizerSettings& optimizer, std::uint64_t seed)
    : stages_(inputs, layers, takes_sums(loss, layers)),
      optimization_(stages_, optimizer),
      loss_(loss),
      takes_sums_(takes_sums(loss, layers)),
      seed_(seed) {
  std::size_t size = kPieceInputs * kPiecePanels * kPanelUnits<T>;
  for (const Tensor<T>& tensor : stages_.tensors())
    size = std::max(size, tensor.by_unit() ? tensor.units * pad_to_chains(tensor.inputs) : round_up(tensor.units, 16));
  piece_ = AlignedBuffer<T>(size + kPanelUnits<T>);
  for (const TrainedLayer<T>& each : layers) {
    described_.push_back(each.layer);
    for (auto& weight : described_.back().weights) weight.second = nullptr;
  }
}

template <class T>
void Steps<T>::reserve(std::size_t block_rows) {
  block_rows_ = block_rows;
  stages_.reserve(block_rows_);
  if (scales_.size() >= block_rows_) return;
  targets_.resize(block_rows_ * columns());
  weights_.resize(block_rows_);
  row_losses_.resize(block_rows_);
  scales_.resize(block_rows_);
}

// A batch is one block where BatchNormalization needs all of it.
template <class T>
void Steps<T>::begin(std::size_t rows, const double* rate) {
  reserve(stages_.uses_batch() ? rows : std::min(rows, kBlockRows));
  in_pieces_ = rate != nullptr && rows <= block_rows_ && !optimization_.needs_gradients();
  if (!in_pieces_) optimization_.reserve_gradients();
  if (rate != nullptr) optimization_.begin(*rate);
}

template <class T>
void Steps<T>::finish() {
  if (!in_pieces_) optimization_.apply();
  stages_.commit();
  optimization_.finish();
}

template <class T>
void Steps<T>::run_forward(const Batches<T>& batches, std::size_t at, std::size_t rows, const PartOfBatch& place,
                           T* outputs) {
  gather(batches, at, rows, place.rows);
  // A loss that is computed from the sums needs no activation after them.
  const std::size_t stages = stages_.all().size() - (takes_sums_ && outputs == nullptr ? 1 : 0);
  stages_.forward(stages, rows, seed_, place.batches, place.first);
  if (outputs != nullptr) copy_outputs(rows, outputs);
  compute_loss(rows);
}

template <class T>
double Steps<T>::run(const Batches<T>& batches, std::size_t first, std::size_t rows, T* outputs, const double* rate) {
  begin(rows, rate);
  const double penalty = optimization_.penalty();
  double total = 0, activity = 0, loss = 0;
  for (std::size_t at = 0; at < rows; at += block_rows_) {
    const std::size_t here = std::min(block_rows_, rows - at);
    run_forward(batches, first + at, here, {at, rows, optimization_.batches()},
                outputs == nullptr ? nullptr : outputs + at * units());
    for (std::size_t r = 0; r < here; ++r)
      total += static_cast<double>(row_losses_[r]) * static_cast<double>(weights_[r]);
    activity += stages_.activity(here);
    loss = total / static_cast<double>(rows) + activity / static_cast<double>(rows) + penalty;
    if (!is_finite(loss)) {
      not_finite_ = first_not_finite(here);
      return loss;
    }
    stages_.backward(last(), here, rows, at > 0, *this);
  }
  return loss;
}

template <class T>
Trained Steps<T>::train(const Batches<T>& batches, double* losses, FunctionRef<bool()> go_on) {
  Trained result;
  for (std::size_t first = 0, rows; first < batches.rows; first += rows) {
    if (first > 0 && go_on && !go_on()) return result;
    rows = batches.rows_of_batch(first);
    T* const outputs = batches.outputs == nullptr ? nullptr : batches.outputs + first * units();
    losses[result.steps] = run(batches, first, rows, outputs, &batches.learning_rates[result.steps]);
    result.finite = is_finite(losses[result.steps++]);
    if (!result.finite) {
      result.layer = not_finite_;
      return result;
    }
    finish();
  }
  return result;
}

template <class T>
void Steps<T>::forward(Rows<T> x, T* outputs) {
  Batches<T> batches{x, {nullptr, 0, 0}};
  reserve(x.rows);
  if (optimization_.needs_gradients()) optimization_.reserve_gradients();
  gather(batches, 0, x.rows, x.rows);
  stages_.forward(stages_.all().size(), x.rows, seed_, optimization_.batches(), 0);
  copy_outputs(x.rows, outputs);
  rows_ = x.rows;
}

template <class T>
void Steps<T>::backward(const T* gradient, std::size_t rows, double learning_rate) {
  if (rows_ == 0 || rows != rows_)
    throw Error("expected backward() after forward(), with as many rows; received " + std::to_string(rows) + " after " +
                std::to_string(rows_));
  in_pieces_ = !optimization_.needs_gradients();
  optimization_.begin(learning_rate);
  const Matrix<T> delta = stages_.delta(last());
  for (std::size_t r = 0; r < rows_; ++r)
    std::copy_n(gradient + r * units(), units(), delta.data + static_cast<std::ptrdiff_t>(r) * delta.stride);
  stages_.backward(last(), rows, rows, false, *this);
  rows_ = 0;
  finish();
}

template <class T>
double Steps<T>::gradients(const Batches<T>& batch, std::vector<std::map<std::string, std::vector<T>>>& gradients) {
  const double loss = run(batch, 0, batch.rows, nullptr, nullptr);
  optimization_.regularize();
  gradients.assign(described_.size(), {});
  for (const Tensor<T>& tensor : stages_.tensors())
    if (tensor.trained) gradients[tensor.layer][tensor.name] = tensor.read(optimization_.gradients());
  return loss;
}

template <class T>
void Steps<T>::kernel(Stage<T>& stage, std::size_t rows, Matrix<const T> x, Matrix<const T> delta, bool adds) {
  constexpr std::size_t P = kPanelUnits<T>;
  const Tensor<T>& tensor = stages_.tensors()[stage.tensors[0]];
  const Kernels<T>& kernels = active_kernels<T>();
  const auto sum = [&](Matrix<const T> a, std::size_t a_columns, Matrix<const T> b, std::size_t b_columns,
                       GradientPlace<T> to) {
    for (std::size_t row = 0; row < rows; row += kBlockRows) {
      const auto at = static_cast<std::ptrdiff_t>(row);
      kernels.gradient(std::min(rows - row, kBlockRows), {a.data + at * a.stride, a.stride}, a_columns,
                       {b.data + at * b.stride, b.stride}, b_columns, to, adds || row > 0);
    }
  };
  const std::size_t inputs = tensor.inputs, units = tensor.units;
  const auto panel_width = [&](std::size_t panel) { return std::min(P, units - panel * P); };
  T* const memory = in_pieces_ ? piece_.data() : optimization_.gradients() + tensor.offset;
  if (tensor.by_unit()) {
    const auto row = static_cast<std::ptrdiff_t>(pad_to_chains(inputs));
    sum(delta, units, x, inputs, {memory, static_cast<std::ptrdiff_t>(P), row, row});
    if (!in_pieces_) return;
    for (std::size_t n = 0; n < units; ++n)
      optimization_.update(stage.tensors[0], tensor.offset + n * pad_to_chains(inputs), inputs,
                           memory + n * pad_to_chains(inputs));
    return;
  }
  // A piece is a group of panels and, if it is updated at once, some inputs. Threads take pieces as they get free.
  const std::size_t panels = (units + P - 1) / P, groups = (panels + kPiecePanels - 1) / kPiecePanels;
  const std::size_t chunks = in_pieces_ ? (inputs + kPieceInputs - 1) / kPieceInputs : 1;
  const auto run_piece = [&](std::size_t piece) {
    alignas(kPanelBytes) T sums[kPieceInputs * kPiecePanels * P];
    const std::size_t group = piece / chunks, panel = begin_of_share(panels, group, groups);
    const std::size_t count = begin_of_share(panels, group + 1, groups) - panel;
    const std::size_t columns = std::min(count * P, units - panel * P);
    const auto last_width = static_cast<std::ptrdiff_t>(panel_width(panel + count - 1));
    const Matrix<const T> b{delta.data + panel * P, delta.stride};
    if (!in_pieces_)
      return sum(x, inputs, b, columns,
                 {memory + panel * P * inputs, static_cast<std::ptrdiff_t>(P * inputs), static_cast<std::ptrdiff_t>(P),
                  last_width});
    const std::size_t k = piece % chunks * kPieceInputs, steps = std::min(kPieceInputs, inputs - k);
    sum({x.data + k, x.stride}, steps, b, columns,
        {sums, static_cast<std::ptrdiff_t>(P * steps), static_cast<std::ptrdiff_t>(P), last_width});
    for (std::size_t p = 0; p < count; ++p) {
      const std::size_t width = panel_width(panel + p);
      optimization_.update(stage.tensors[0], tensor.offset + (panel + p) * P * inputs + k * width, steps * width,
                           sums + p * P * steps);
    }
  };
  // Each piece runs once: nothing in it takes memory, and nothing asks whether to go on (thread_pool.hpp).
  const double work = static_cast<double>(rows) * static_cast<double>(tensor.size());
  share(groups * chunks, threads_for(work), run_piece, {});
}

template <class T>
void Steps<T>::of_units(std::size_t index, std::size_t rows, Matrix<const T> a, Matrix<const T> b, bool adds) {
  const Tensor<T>& tensor = stages_.tensors()[index];
  T* const to = in_pieces_ ? piece_.data() : optimization_.gradients() + tensor.offset;
  for (std::size_t row = 0; row < rows; row += kBlockRows) {
    const auto at = static_cast<std::ptrdiff_t>(row);
    const Matrix<const T> factors{a.data == nullptr ? nullptr : a.data + at * a.stride, a.stride};
    active_kernels<T>().column_sums(std::min(rows - row, kBlockRows), factors, {b.data + at * b.stride, b.stride},
                                    tensor.units, to, adds || row > 0);
  }
  if (in_pieces_) optimization_.update(index, tensor.offset, tensor.units, to);
}

// Copies rows of the data to input(), their targets and weights beside it.
template <class T>
void Steps<T>::gather(const Batches<T>& batches, std::size_t first, std::size_t rows, std::size_t of_batch) {
  const Matrix<T> to = stages_.input();
  const std::size_t width = stages_.inputs();
  const auto copy = [](Rows<T> from, std::ptrdiff_t row, std::size_t count, T* place) {
    const T* numbers = from.data + row * from.row_stride;
    if (from.column_stride == 1 && count > kFewNumbers) {
      std::copy_n(numbers, count, place);
      return;
    }
    for (std::size_t c = 0; c < count; ++c) place[c] = numbers[static_cast<std::ptrdiff_t>(c) * from.column_stride];
  };
  for (std::size_t r = 0; r < rows; ++r) {
    const auto row = batches.order == nullptr ? static_cast<std::ptrdiff_t>(first + r)
                                              : static_cast<std::ptrdiff_t>(batches.order[first + r]);
    if (batches.order != nullptr && r + kRowsAhead < rows)
      prefetch_row<1>(batches.x, static_cast<std::ptrdiff_t>(batches.order[first + r + kRowsAhead]), width);
    copy(batches.x, row, width, to.data + static_cast<std::ptrdiff_t>(r) * to.stride);
    if (batches.y.data != nullptr) copy(batches.y, row, columns(), targets_.data() + r * columns());
    if (batches.order != nullptr && first + rows + r < batches.rows) {
      const auto next = static_cast<std::ptrdiff_t>(batches.order[first + rows + r]);
      prefetch_row<2>(batches.x, next, width);
      if (batches.y.data != nullptr) prefetch_row<2>(batches.y, next, columns());
    }
    weights_[r] = batches.weights == nullptr ? T{1} : batches.weights[row];
    scales_[r] = static_cast<T>(static_cast<double>(weights_[r]) / static_cast<double>(of_batch));
  }
}

template <class T>
void Steps<T>::compute_loss(std::size_t rows) {
  const std::size_t stages = stages_.all().size();
  const Matrix<T> predictions = stages_.output(stages - 1), delta = stages_.delta(last());
  LossCall<T> call = loss_call<T>(*loss_, units());
  call.rows = rows;
  call.targets = targets_.data();
  call.target_row_stride = static_cast<std::ptrdiff_t>(columns());
  call.target_column_stride = 1;
  call.predictions = predictions;
  if (takes_sums_) call.sums = stages_.output(stages - 2);
  call.scales = scales_.data();
  call.row_losses = row_losses_.data();
  call.delta = delta;
  active_kernels<T>().loss(call);
}

template <class T>
void Steps<T>::copy_outputs(std::size_t rows, T* to) {
  const Matrix<T> y = stages_.output(stages_.all().size() - 1);
  active_kernels<T>().copy({y.data, rows, y.stride, 1}, {to, rows, static_cast<std::ptrdiff_t>(units()), 1}, units());
}

template <class T>
std::ptrdiff_t Steps<T>::first_not_finite(std::size_t rows) {
  for (std::size_t i = 0; i <= last(); ++i) {
    const Matrix<T> y = stages_.output(i);
    const Stage<T>& stage = stages_.all()[i];
    for (std::size_t r = 0; r < rows; ++r)
      for (std::size_t n = 0; n < stage.layer.units; ++n)
        if (!is_finite(y.data[static_cast<std::ptrdiff_t>(r) * y.stride + static_cast<std::ptrdiff_t>(n)]))
          return static_cast<std::ptrdiff_t>(stage.number);
  }
  return -1;
}

template class Steps<float>;
template class Steps<double>;

}  // namespace fastnn
