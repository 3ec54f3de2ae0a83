#include "stages.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "random.hpp"

namespace fastnn {
namespace {

// The numbers from row to row: whole panels of both dtypes. A power of two of bytes would put a column's numbers into
// few sets of the level 1 cache.
template <class T>
std::ptrdiff_t stride_of(std::size_t columns) {
  const std::size_t padded = round_up(columns, kMostChains);
  return static_cast<std::ptrdiff_t>(padded * sizeof(T) % 1024 == 0 ? padded + kMostChains : padded);
}

template <class T>
Block<const T> read(Matrix<T> matrix, std::size_t rows) {
  return {matrix.data, rows, matrix.stride, 1};
}

template <class T>
Block<T> written(Matrix<T> matrix, std::size_t rows) {
  return {matrix.data, rows, matrix.stride, 1};
}

// y = x · scale + shift for each unit; x and y may be the same matrix.
template <class T>
void affine(std::size_t rows, std::size_t units, Matrix<T> x, Matrix<T> y, const T* scale, const T* shift) {
  PackedLayer<T> layer{units, units, kMostChains, LayerKind::affine, Activation::linear, true, 0};
  layer.of_units[0] = scale;
  layer.of_units[1] = shift;
  const Kernels<T>& kernels = active_kernels<T>();
  if (x.data != y.data) kernels.copy(read(x, rows), written(y, rows), units);
  kernels.whole_rows(layer, written(y, rows));
}

// Arrays (units,) of a BatchNormalization: mean, variance, scale, shift, sums.
constexpr std::size_t kArraysOfBatch = 5;

template <class T>
T sign_of(T x) {
  return x > 0 ? T{1} : x < 0 ? T{-1} : T{0};
}

}  // namespace

template <class T>
Stages<T>::Stages(std::size_t inputs, const std::vector<TrainedLayer<T>>& layers, bool splits_last) : inputs_(inputs) {
  std::vector<Layer<T>> plain;
  for (const TrainedLayer<T>& layer : layers) plain.push_back(layer.layer);
  const Network<T> valid(inputs, plain);  // throws for layers that are not

  std::size_t size = 0, width = inputs, transposed = 0;
  for (const TrainedLayer<T>& each : layers) {
    size = checked_sum(size, packed_size<T>(layer_row(each.layer.kind), width, each.layer.units));
    if (layer_row(each.layer.kind).has_kernel())
      transposed = checked_sum(transposed, packed_kernel_size<T>(each.layer.units, width) + round_up(width, 16));
    width = each.layer.units;
  }
  memory_ = AlignedBuffer<T>(checked_sum(size, kPanelUnits<T>));
  transposed_ = AlignedBuffer<T>(checked_sum(transposed, kPanelUnits<T>));
  T *free = memory_.data(), *free_transposed = transposed_.data();

  width = inputs;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const TrainedLayer<T>& given = layers[i];
    const Layer<T>& layer = given.layer;
    if (layer.activation == Activation::step)
      throw Error("layer " + std::to_string(i) + ": step has no derivative, so the layers before it cannot be trained");
    const bool is_last = i + 1 == layers.size();
    const bool splits = layer.kind == LayerKind::dense &&
                        (takes_whole_rows(layer.activation) || needs_sum(layer.activation) || (is_last && splits_last));
    add_stage(given, i, width, layer.kind, splits ? Activation::linear : layer.activation);
    Stage<T>& stage = stages_.back();
    free = pack(layer, stage.layer, free);
    std::size_t of_units = 0;
    for (const WeightRow& weight : layer_row(layer.kind).weights) {
      if (weight.name == nullptr) continue;
      const bool is_kernel = weight.shape == WeightShape::inputs_by_units;
      const T* place = is_kernel ? stage.layer.kernel : stage.layer.of_units[of_units++];
      const auto training = given.weights.find(weight.name);
      const std::string name = weight.name;
      const bool is_there = layer.weights.count(name) > 0;
      const bool is_statistic = name == "moving_mean" || name == "moving_variance";
      stage.tensors.push_back(tensors_.size());
      tensors_.push_back({name, i, is_kernel ? width : 1, layer.units, is_kernel,
                          given.trainable && is_there && !is_statistic,
                          static_cast<std::size_t>(place - memory_.data()),
                          training == given.weights.end() ? WeightTraining{} : training->second});
    }
    if (layer_row(layer.kind).has_kernel()) {
      PackedLayer<T>& back = stage.transposed;
      back = {layer.units, width, chains_of(width), LayerKind::dense, Activation::linear, false, 0};
      back.kernel = free_transposed;
      free_transposed += packed_kernel_size<T>(layer.units, width);
      if (back.chains == kMostChains) std::fill(const_cast<T*>(back.kernel), free_transposed, T{-0.0});
      back.of_units[0] = free_transposed;  // stays 0
      free_transposed += round_up(width, 16);
    }
    if (splits) add_stage(given, i, layer.units, LayerKind::activation, layer.activation);
    if (given.noise.kind != NoiseKind::none) {
      add_stage(given, i, layer.units, LayerKind::activation, Activation::linear);
      stages_.back().noise = given.noise;
    }
    stages_.back().activity_l1 = static_cast<T>(given.activity_l1);
    stages_.back().activity_l2 = static_cast<T>(given.activity_l2);
    width = layer.units;
  }

  widest_ = inputs;
  for (const Stage<T>& stage : stages_) widest_ = std::max(widest_, stage.layer.units);
  first_trained_ = stages_.size();
  for (std::size_t i = stages_.size(); i-- > 0;)
    for (const std::size_t tensor : stages_[i].tensors)
      if (tensors_[tensor].trained) first_trained_ = i;
  std::size_t of_batches = 0;
  for (const Stage<T>& stage : stages_)
    if (stage.uses_batch()) of_batches += kArraysOfBatch * round_up(stage.layer.units, 16);
  of_batches_ = AlignedBuffer<T>(of_batches);
  T* next = of_batches_.data();
  for (Stage<T>& stage : stages_)
    if (stage.uses_batch()) {
      uses_batch_ = true;
      stage.of_batch = next;
      next += kArraysOfBatch * round_up(stage.layer.units, 16);
    }
  transpose_all();
}

template <class T>
void Stages<T>::add_stage(const TrainedLayer<T>& given, std::size_t number, std::size_t inputs, LayerKind kind,
                          Activation activation) {
  const std::size_t units = given.layer.units;
  const bool whole_rows = layer_row(kind).has_activation ? takes_whole_rows(activation) : true;
  Stage<T> stage{{inputs, units, chains_of(units), kind, activation, whole_rows, 0}, {}};
  for (std::size_t i = 0; i < kMostParameters; ++i) stage.layer.parameters[i] = static_cast<T>(given.layer.parameters[i]);
  stage.number = number;
  stage.trainable = given.trainable;
  stage.momentum = given.momentum;
  stages_.push_back(stage);
}

template <class T>
void Stages<T>::transpose_all() {
  for (std::size_t i = first_trained_ + 1; i < stages_.size(); ++i)
    if (stages_[i].layer.kernel != nullptr) {
      Stage<T>& stage = stages_[i];
      transpose(stage, {0, stage.layer.inputs}, 0, (stage.layer.units + kPanelUnits<T> - 1) / kPanelUnits<T>);
    }
}

// Weight (k, n) of the kernel is weight (n, k) of the transposed one. Both in panels: squares of a panel are transposed.
template <class T>
void Stages<T>::transpose(Stage<T>& stage, Range inputs, std::size_t panel, std::size_t panels) {
  if (&stage - stages_.data() <= static_cast<std::ptrdiff_t>(first_trained_)) return;
  constexpr std::size_t P = kPanelUnits<T>;
  const std::size_t K = stage.layer.inputs, N = stage.layer.units;
  const T* from = stage.layer.kernel;
  T* to = const_cast<T*>(stage.transposed.kernel);
  if (stage.layer.chains == kMostChains || stage.transposed.chains == kMostChains) {  // a few units or inputs
    const Tensor<T> here{"", 0, K, N, true, true, 0, {}}, there{"", 0, N, K, true, true, 0, {}};
    for (std::size_t k = inputs.first; k < inputs.last; ++k)
      for (std::size_t n = panel * P; n < std::min(N, panels * P); ++n) to[there.place(n, k)] = from[here.place(k, n)];
    return;
  }
  for (std::size_t p = panel; p < panels; ++p) {
    const std::size_t width = std::min(P, N - p * P);
    for (std::size_t k = inputs.first; k < inputs.last; k += P) {  // `first` is at the begin of a panel
      const std::size_t rows = std::min(P, inputs.last - k), back_width = std::min(P, K - k / P * P);
      active_kernels<T>().copy(
          {from + p * P * K + k * width, rows, static_cast<std::ptrdiff_t>(width), 1},
          {to + k / P * P * N + p * P * back_width, rows, 1, static_cast<std::ptrdiff_t>(back_width)}, width);
    }
  }
}

template <class T>
void Stages<T>::reserve(std::size_t rows) {
  if (rows <= rows_) return;
  std::size_t size = checked_product(rows, static_cast<std::size_t>(stride_of<T>(inputs_)));
  const auto add = [&](std::size_t columns) {
    size = checked_sum(size, checked_product(rows, static_cast<std::size_t>(stride_of<T>(columns))));
  };
  const auto keeps = [](const Stage<T>& stage) { return stage.noise.kind != NoiseKind::none || stage.uses_batch(); };
  for (const Stage<T>& stage : stages_) {
    add(stage.layer.units);
    if (keeps(stage)) add(stage.layer.units);
  }
  for (int i = 0; i < 3; ++i) add(widest_);
  rows_ = 0;
  scratch_ = AlignedBuffer<T>();
  scratch_ = AlignedBuffer<T>(checked_sum(size, kMostChains));
  T* free = scratch_.data();
  const auto take = [&](std::size_t columns) {
    const Matrix<T> matrix{free, stride_of<T>(columns)};
    free += rows * static_cast<std::size_t>(matrix.stride);
    return matrix;
  };
  places_ = {take(inputs_)};
  kept_.clear();
  for (const Stage<T>& stage : stages_) {
    places_.push_back(take(stage.layer.units));
    kept_.push_back(keeps(stage) ? take(stage.layer.units) : Matrix<T>{});
  }
  deltas_[0] = take(widest_).data;
  deltas_[1] = take(widest_).data;
  products_ = take(widest_).data;
  outputs_ = places_;
  rows_ = rows;
}

template <class T>
void Stages<T>::forward(std::size_t rows, bool training, std::uint64_t seed, std::uint64_t step, std::size_t first) {
  const Kernels<T>& kernels = active_kernels<T>();
  for (std::size_t i = 0; i < stages_.size(); ++i) {
    Stage<T>& stage = stages_[i];
    const Matrix<T> x = outputs_[i];
    outputs_[i + 1] = places_[i + 1];
    const Matrix<T> y = outputs_[i + 1];
    const std::size_t units = stage.layer.units;
    if (stage.noise.kind != NoiseKind::none) {
      if (!training) {
        outputs_[i + 1] = x;
        continue;
      }
      make_noise(i, rows, seed, step, first);
    } else if (training && stage.uses_batch()) {
      normalize(i, rows);
    } else {
      kernels.layer(stage.layer, read(x, rows), written(y, rows), {0, units});
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

// to[j] = sum over rows of b[r][j], or of a[r][j] · b[r][j] unless a is null, in blocks.
template <class T>
void Stages<T>::sum_columns(Matrix<T> a, Matrix<T> b, std::size_t rows, std::size_t units, T* to) {
  for (std::size_t row = 0; row < rows; row += kBlockRows) {
    const auto at = static_cast<std::ptrdiff_t>(row);
    const Matrix<const T> factors{a.data == nullptr ? nullptr : a.data + at * a.stride, a.stride};
    active_kernels<T>().column_sums(std::min(rows - row, kBlockRows), factors, {b.data + at * b.stride, b.stride}, units,
                                    to, row > 0);
  }
}

// BatchNormalization of a batch: keeps (x - mean) / deviation, and mean and variance for commit().
template <class T>
void Stages<T>::normalize(std::size_t i, std::size_t rows) {
  const Stage<T>& stage = stages_[i];
  const std::size_t units = stage.layer.units, padded = round_up(units, 16);
  T *mean = stage.of_batch, *variance = mean + padded, *scale = variance + padded, *shift = scale + padded;
  const auto n = static_cast<T>(rows);
  T* sums = shift + padded;
  const Matrix<T> x = outputs_[i], kept = kept_[i];
  sum_columns({}, x, rows, units, sums);
  for (std::size_t j = 0; j < units; ++j) {
    mean[j] = sums[j] / n;
    scale[j] = 1;
    shift[j] = -mean[j];
  }
  affine<T>(rows, units, x, kept, scale, shift);
  sum_columns(kept, kept, rows, units, sums);
  for (std::size_t j = 0; j < units; ++j) {
    variance[j] = sums[j] / n;
    scale[j] = T{1} / std::sqrt(variance[j] + stage.layer.parameters[0]);
    shift[j] = T{-0.0};
  }
  affine<T>(rows, units, kept, kept, scale, shift);
  affine<T>(rows, units, kept, outputs_[i + 1], stage.layer.of_units[0], stage.layer.of_units[1]);
}

// The delta of the inputs: gamma / deviation · (d - mean of d - kept · mean of (d · kept)); of a layer that is not
// trained, gamma / deviation · d.
template <class T>
void Stages<T>::backward_of_normalization(std::size_t i, std::size_t rows, Matrix<T> to) {
  const Stage<T>& stage = stages_[i];
  const std::size_t units = stage.layer.units, padded = round_up(units, 16);
  const T* gamma = stage.layer.of_units[0];
  std::vector<T> of_units(3 * padded);
  T *factor = of_units.data(), *shift = factor + padded, *share = shift + padded;
  const Matrix<T> d = delta(i);
  if (stage.uses_batch()) {
    const auto n = static_cast<T>(rows);
    const T* scale = stage.of_batch + 2 * padded;
    sum_columns({}, d, rows, units, shift);
    sum_columns(kept_[i], d, rows, units, share);
    for (std::size_t j = 0; j < units; ++j) {
      factor[j] = gamma[j] * scale[j];
      shift[j] = -factor[j] * (shift[j] / n);
      share[j] = -factor[j] * (share[j] / n);
    }
  } else {
    for (std::size_t j = 0; j < units; ++j) {
      factor[j] = gamma[j] / std::sqrt(stage.layer.of_units[3][j] + stage.layer.parameters[0]);
      shift[j] = T{-0.0};
    }
  }
  affine<T>(rows, units, d, to, factor, shift);
  if (stage.uses_batch()) active_kernels<T>().add_scaled(rows, units, kept_[i], share, to);
}

template <class T>
void Stages<T>::commit() {
  for (Stage<T>& stage : stages_) {
    if (!stage.uses_batch()) continue;
    const std::size_t units = stage.layer.units, padded = round_up(units, 16);
    const T old_share = static_cast<T>(stage.momentum), new_share = static_cast<T>(1 - stage.momentum);
    for (std::size_t k = 0; k < 2; ++k) {
      T* moving = const_cast<T*>(stage.layer.of_units[2 + k]);
      const T* of_batch = stage.of_batch + k * padded;
      for (std::size_t j = 0; j < units; ++j) moving[j] = moving[j] * old_share + of_batch[j] * new_share;
    }
  }
}

template <class T>
double Stages<T>::activity(std::size_t rows) const {
  double total = 0;
  for (std::size_t i = 0; i < stages_.size(); ++i) {
    const Stage<T>& stage = stages_[i];
    if (stage.activity_l1 == 0 && stage.activity_l2 == 0) continue;
    double absolute = 0, squares = 0;
    for (std::size_t r = 0; r < rows; ++r)
      for (std::size_t j = 0; j < stage.layer.units; ++j) {
        const double y = outputs_[i + 1].data[static_cast<std::ptrdiff_t>(r) * outputs_[i + 1].stride + j];
        absolute += std::fabs(y);
        squares += y * y;
      }
    total += static_cast<double>(stage.activity_l1) * absolute + static_cast<double>(stage.activity_l2) * squares;
  }
  return total;
}

template <class T>
void Stages<T>::backward(std::size_t last, std::size_t rows, bool adds, GradientSink<T>& sink) {
  const Kernels<T>& kernels = active_kernels<T>();
  for (std::size_t i = last + 1; i-- > first_trained_;) {
    Stage<T>& stage = stages_[i];
    const Matrix<T> x = outputs_[i], y = outputs_[i + 1], d = delta(i);
    const std::size_t units = stage.layer.units;
    if (stage.activity_l1 != 0 || stage.activity_l2 != 0)
      for (std::size_t r = 0; r < rows; ++r)
        for (std::size_t j = 0; j < units; ++j) {
          const T out = y.data[static_cast<std::ptrdiff_t>(r) * y.stride + j];
          d.data[static_cast<std::ptrdiff_t>(r) * d.stride + j] +=
              stage.activity_l1 * sign_of(out) + T{2} * stage.activity_l2 * out;
        }
    const bool goes_on = propagates(i);
    const Matrix<T> to{deltas_[(i + 1) % 2], i == 0 ? d.stride : outputs_[i].stride};
    const auto of_units = [&](std::size_t k, Matrix<const T> a, Matrix<const T> b) {
      if (tensors_[stage.tensors[k]].trained) sink.of_units(stage.tensors[k], rows, a, b, adds);
    };
    const auto copy_back = [&](Matrix<T> from) {
      if (goes_on) kernels.copy(read(from, rows), written(to, rows), units);
    };
    if (stage.noise.kind != NoiseKind::none) {
      if (!goes_on) continue;
      if (stage.noise.kind == NoiseKind::gaussian_noise) {
        copy_back(d);
        continue;
      }
      for (std::size_t r = 0; r < rows; ++r)
        for (std::size_t j = 0; j < units; ++j)
          to.data[static_cast<std::ptrdiff_t>(r) * to.stride + j] =
              d.data[static_cast<std::ptrdiff_t>(r) * d.stride + j] *
              kept_[i].data[static_cast<std::ptrdiff_t>(r) * kept_[i].stride + j];
      continue;
    }
    switch (stage.layer.kind) {
      case LayerKind::dense: {
        kernels.derive(stage.layer.activation, stage.layer.parameters[0], stage.layer.parameters[1], rows, units,
                       nullptr, 0, y.data, y.stride, d.data, d.stride);
        if (goes_on) kernels.layer(stage.transposed, read(d, rows), written(to, rows), {0, stage.layer.inputs});
        of_units(1, {}, d);
        if (tensors_[stage.tensors[0]].trained) sink.kernel(stage, rows, x, d, adds);
        break;
      }
      case LayerKind::activation:
        kernels.derive(stage.layer.activation, stage.layer.parameters[0], stage.layer.parameters[1], rows, units,
                       x.data, x.stride, y.data, y.stride, d.data, d.stride);
        copy_back(d);
        break;
      case LayerKind::affine: {
        of_units(0, x, d);
        of_units(1, {}, d);
        if (goes_on) {
          std::fill_n(products_, round_up(units, 16), T{-0.0});
          affine<T>(rows, units, d, to, stage.layer.of_units[0], products_);
        }
        break;
      }
      case LayerKind::prelu:
      case LayerKind::layer_normalization: {
        // d becomes the delta of the inputs; products are what the gradient of alpha or gamma sums.
        const Matrix<T> products{products_, d.stride};
        if (stage.layer.kind == LayerKind::layer_normalization) of_units(1, {}, d);
        throw Error("layer normalization: not yet");(void)products;
        of_units(0, {}, products);
        copy_back(d);
        break;
      }
      case LayerKind::batch_normalization:
        if (goes_on) backward_of_normalization(i, rows, to);
        of_units(0, kept_[i], d);
        of_units(1, {}, d);
        break;
    }
  }
}

template class Stages<float>;
template class Stages<double>;

}  // namespace fastnn
