// The two passes of a trainer's stages over a block of rows: forward, and back.
#include <algorithm>

#include "random.hpp"
#include "shared_work.hpp"
#include "stages.hpp"

namespace fastnn {
namespace {

template <class T>
Block<const T> read(Matrix<T> matrix, std::size_t rows) {
  return {matrix.data, rows, matrix.stride, 1};
}

template <class T>
Block<T> written(Matrix<T> matrix, std::size_t rows) {
  return {matrix.data, rows, matrix.stride, 1};
}

template <class T>
T* row_of(Matrix<T> matrix, std::size_t row) {
  return matrix.data + static_cast<std::ptrdiff_t>(row) * matrix.stride;
}

template <class T>
Matrix<const T> from_row(Matrix<T> matrix, std::size_t row) {
  return {matrix.data == nullptr ? nullptr : row_of(matrix, row), matrix.stride};
}

template <class T>
T sign_of(T x) {
  return x > 0 ? T{1} : x < 0 ? T{-1} : T{0};
}

// Multiply-adds of a vector that take as long as transposing a vector, and how much longer those of propagate.hpp take.
constexpr double kWorkOfTransposing = 5, kWorkOfPropagating = 1.03;

// Returns whether to transpose the deltas of the outputs, once for each part, and those of the inputs, not the kernel:
// the fewer rows, the more of the work is the kernel's transposition, but the last vector of rows may have idle lanes.
template <class T>
bool transposes_deltas(const Kernels<T>& kernels, const PackedLayer<T>& layer, std::size_t rows, std::size_t parts) {
  if (kernels.propagate == nullptr || chains_of(layer.inputs) > 2 || layer.is_head()) return false;
  constexpr std::size_t P = kPanelUnits<T>;
  const double inputs = static_cast<double>(layer.inputs), units = static_cast<double>(layer.units);
  const double vectors = static_cast<double>((rows + P - 1) / P);
  const double panels = static_cast<double>((layer.inputs + P / 2 - 1) / (P / 2)) / 2;  // half of the last may be idle
  const double by_kernel = static_cast<double>(rows) * panels * units + kWorkOfTransposing * inputs * units / P;
  const double by_deltas = kWorkOfPropagating * vectors * inputs * units +
                           kWorkOfTransposing * vectors * (inputs + static_cast<double>(parts) * units);
  return by_deltas < by_kernel;
}

}  // namespace

template <class T>
void Stages<T>::forward(std::size_t stages, std::size_t rows, std::uint64_t seed, std::uint64_t step,
                        std::size_t first) {
  const Kernels<T>& kernels = active_kernels<T>();
  for (std::size_t i = 0; i < stages; ++i) {
    Stage<T>& stage = stages_[i];
    const Matrix<T> x = outputs_[i], y = outputs_[i + 1];
    if (stage.noise.kind != NoiseKind::none) {
      make_noise(i, rows, seed, step, first);
    } else if (stage.uses_batch()) {
      normalize(i, rows);
    } else {
      run_layer(stage.layer, read(x, rows), written(y, rows));
      if (stage.layer.takes_whole_rows) kernels.whole_rows(stage.layer, written(y, rows));
    }
  }
}

// Keeps the multipliers of dropout.
template <class T>
void Stages<T>::make_noise(std::size_t i, std::size_t rows, std::uint64_t seed, std::uint64_t step, std::size_t first) {
  const Stage<T>& stage = stages_[i];
  const Philox random = generator(stage.noise.seed.value_or(seed), Purpose::noise, stage.number);
  const std::size_t units = stage.layer.units;
  for (std::size_t r = 0; r < rows; ++r) {
    const auto row = static_cast<std::ptrdiff_t>(r);
    const auto number = static_cast<std::uint32_t>(first + r);
    const T* x = outputs_[i].data + row * outputs_[i].stride;
    T* y = outputs_[i + 1].data + row * outputs_[i + 1].stride;
    T* kept = kept_[i].data + row * kept_[i].stride;
    if (stage.noise.kind == NoiseKind::dropout) {
      dropout_row(random, step, number, units, stage.noise.rate, kept);
      for (std::size_t n = 0; n < units; ++n) y[n] = x[n] * kept[n];
    } else if (stage.noise.kind == NoiseKind::gaussian_noise) {
      gaussian_row(random, step, number, units, stage.noise.rate, products_);
      for (std::size_t n = 0; n < units; ++n) y[n] = x[n] + products_[n];
    } else {
      alpha_dropout_row(random, step, number, units, stage.noise.rate, kept, products_);
      for (std::size_t n = 0; n < units; ++n) y[n] = x[n] * kept[n] + products_[n];
    }
  }
}

// to[j] = mean over rows of b[r][j], or of a[r][j] · b[r][j] unless a is null; sums in blocks.
template <class T>
void Stages<T>::mean_columns(Matrix<T> a, Matrix<T> b, std::size_t rows, std::size_t units, T* to) {
  for (std::size_t row = 0; row < rows; row += kBlockRows)
    active_kernels<T>().column_sums(std::min(rows - row, kBlockRows), from_row(a, row), from_row(b, row), units, to,
                                    row > 0);
  for (std::size_t n = 0; n < units; ++n) to[n] /= static_cast<T>(rows);
}

// BatchNormalization with the statistics of the batch.
template <class T>
void Stages<T>::normalize(std::size_t i, std::size_t rows) {
  const Kernels<T>& kernels = active_kernels<T>();
  const PackedLayer<T>& layer = stages_[i].of_batch;
  const Matrix<T> x = outputs_[i], y = outputs_[i + 1], centred{products_, x.stride};
  T *mean = const_cast<T*>(layer.of_units[2]), *variance = const_cast<T*>(layer.of_units[3]);
  mean_columns({}, x, rows, layer.units, mean);
  kernels.centre(rows, layer.units, x, mean, centred);
  mean_columns(centred, centred, rows, layer.units, variance);
  kernels.layer(layer, read(x, rows), written(y, rows), {0, layer.units});
  kernels.whole_rows(layer, written(y, rows));
}

template <class T>
void Stages<T>::commit() {
  for (Stage<T>& stage : stages_) {
    if (!stage.uses_batch()) continue;
    const T old_share = static_cast<T>(stage.momentum), new_share = static_cast<T>(1 - stage.momentum);
    for (std::size_t k : {2, 3}) {
      T* moving = const_cast<T*>(stage.layer.of_units[k]);
      for (std::size_t n = 0; n < stage.layer.units; ++n)
        moving[n] = tiny_as_zero(moving[n] * old_share + stage.of_batch.of_units[k][n] * new_share);
    }
  }
}

template <class T>
double activity_of(const Stage<T>& stage, Matrix<const T> y, Range rows) {
  if (stage.activity_l1 == 0 && stage.activity_l2 == 0) return 0;
  double absolute = 0, squares = 0;
  for (std::size_t r = rows.first; r < rows.last; ++r)
    for (std::size_t n = 0; n < stage.layer.units; ++n) {
      const double a = static_cast<double>(row_of(y, r)[n]);
      absolute += a < 0 ? -a : a;
      squares += a * a;
    }
  return static_cast<double>(stage.activity_l1) * absolute + static_cast<double>(stage.activity_l2) * squares;
}

template <class T>
double Stages<T>::activity(std::size_t rows) const {
  double total = 0;
  for (std::size_t i = 0; i < stages_.size(); ++i) total += activity_of<T>(stages_[i], outputs_[i + 1], {0, rows});
  return total;
}

template <class T>
void Stages<T>::backward(std::size_t last, std::size_t rows, std::size_t of_batch, bool adds, GradientSink<T>& sink) {
  const Kernels<T>& kernels = active_kernels<T>();
  for (std::size_t i = last + 1; i-- > first_trained_;) {
    Stage<T>& stage = stages_[i];
    const PackedLayer<T>& layer = stage.layer;
    const Matrix<T> x = outputs_[i], y = outputs_[i + 1], d = delta(i);
    const Matrix<T> to{deltas_[(i + 1) % 2], x.stride};
    if (stage.activity_l1 != 0 || stage.activity_l2 != 0) {
      const T l1 = stage.activity_l1 / static_cast<T>(of_batch), l2 = 2 * stage.activity_l2 / static_cast<T>(of_batch);
      for (std::size_t r = 0; r < rows; ++r)
        for (std::size_t n = 0; n < layer.units; ++n)
          row_of(d, r)[n] += l1 * sign_of(row_of(y, r)[n]) + l2 * row_of(y, r)[n];
    }
    if (layer.kind == LayerKind::dense) {
      kernels.derive(layer.activation, layer.parameters[0], layer.parameters[1], rows, layer.units, nullptr, 0, y.data,
                     y.stride, d.data, d.stride);
      if (propagates(i)) propagate(layer, rows, d, to);
      if (tensors_[stage.tensors[1]].trained) sink.of_units(stage.tensors[1], rows, {}, d, adds);
      if (tensors_[stage.tensors[0]].trained) sink.kernel(stage, rows, x, d, adds);
    } else if (layer.kind != LayerKind::activation) {
      backward_of_units(i, rows, adds, to, sink);
    } else if (propagates(i) &&
               (stage.noise.kind == NoiseKind::dropout || stage.noise.kind == NoiseKind::alpha_dropout)) {
      for (std::size_t r = 0; r < rows; ++r)
        for (std::size_t n = 0; n < layer.units; ++n) row_of(to, r)[n] = row_of(d, r)[n] * row_of(kept_[i], r)[n];
    } else if (propagates(i)) {
      kernels.derive(layer.activation, layer.parameters[0], layer.parameters[1], rows, layer.units, x.data, x.stride,
                     y.data, y.stride, d.data, d.stride);
      kernels.copy(read(d, rows), written(to, rows), layer.units);
    }
  }
}

// Deltas of the inputs of a Dense from those of its outputs: to = d · W^T.
template <class T>
void Stages<T>::propagate(const PackedLayer<T>& layer, std::size_t rows, Matrix<T> d, Matrix<T> to) {
  const Kernels<T>& kernels = active_kernels<T>();
  const TransposedGroups<T> all(layer.inputs, layer.units);
  const double work = static_cast<double>(rows) * work_of(layer);
  const std::size_t threads = threads_for(work), parts = threads == 1 ? 1 : parts_of_layer(all.groups, work, threads);
  const bool by_deltas = transposes_deltas(kernels, layer, rows, parts);
  const auto run_part = [&](std::size_t part) {
    T* const transposed = transposed_.data() + part * all.numbers;
    const std::size_t end = begin_of_share(all.groups, part + 1, parts);
    if (by_deltas) {
      const std::size_t begin = begin_of_share(all.groups, part, parts) * all.of_group * kPanelUnits<T>;
      return kernels.propagate(layer, {begin, std::min(end * all.of_group * kPanelUnits<T>, layer.inputs)}, rows, d,
                               transposed, to);
    }
    for (std::size_t group = begin_of_share(all.groups, part, parts); group < end; ++group) {
      const std::size_t first = group * all.of_group * kPanelUnits<T>;
      const std::size_t last = std::min(first + all.of_group * kPanelUnits<T>, layer.inputs);
      PackedLayer<T> back{
          layer.units, last - first, chains_of(layer.inputs), LayerKind::dense, Activation::linear, false, 0};
      back.kernel = transposed;
      back.of_units[0] = zeros_;
      kernels.transpose(layer, {first, last}, back.chains, transposed);
      kernels.layer(back, read(d, rows), {to.data + first, rows, to.stride, 1}, {0, back.units});
    }
  };
  if (threads == 1) return run_part(0);
  share(parts, threads, run_part, {});
}

// Of layers with weights for each unit. The delta of the inputs comes first, since it needs the weights before the
// step.
template <class T>
void Stages<T>::backward_of_units(std::size_t i, std::size_t rows, bool adds, Matrix<T> to, GradientSink<T>& sink) {
  const Kernels<T>& kernels = active_kernels<T>();
  const Stage<T>& stage = stages_[i];
  const PackedLayer<T>& layer = stage.uses_batch() ? stage.of_batch : stage.layer;
  const Matrix<T> x = outputs_[i], d = delta(i), factors{products_, d.stride};
  kernels.factors(layer, rows, x, factors);
  if (propagates(i)) {
    kernels.copy(read(d, rows), written(to, rows), layer.units);
    kernels.backward(layer, rows, x, factors, to);
    if (stage.uses_batch()) {
      mean_columns({}, d, rows, layer.units, stage.mean_delta);
      mean_columns(factors, d, rows, layer.units, stage.mean_product);
      kernels.batch_backward(layer, rows, factors, stage.mean_delta, stage.mean_product, to);
    }
  }
  if (tensors_[stage.tensors[0]].trained) sink.of_units(stage.tensors[0], rows, factors, d, adds);
  if (stage.tensors.size() > 1 && tensors_[stage.tensors[1]].trained)
    sink.of_units(stage.tensors[1], rows, {}, d, adds);
}

template double activity_of(const Stage<float>&, Matrix<const float>, Range);
template double activity_of(const Stage<double>&, Matrix<const double>, Range);
template class Stages<float>;
template class Stages<double>;

}  // namespace fastnn
