// Building the stages of a trainer: layers are validated and packed, memory for blocks of rows is laid out.
#include "stages.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace fastnn {
namespace {

// The numbers from row to row: whole panels of both dtypes. A power of two of bytes would put a column's numbers into
// few sets of the level 1 cache.
template <class T>
std::ptrdiff_t stride_of(std::size_t columns) {
  const std::size_t padded = round_up(columns, kMostChains);
  return static_cast<std::ptrdiff_t>(padded * sizeof(T) % 1024 == 0 ? padded + kMostChains : padded);
}

// Arrays (units,) of a BatchNormalization: mean and variance of a batch, means of delta and of products.
constexpr std::size_t kArraysOfBatch = 4;

}  // namespace

template <class T>
Stages<T>::Stages(std::size_t inputs, const std::vector<TrainedLayer<T>>& layers, bool splits_last) : inputs_(inputs) {
  std::vector<Layer<T>> plain;
  for (const TrainedLayer<T>& layer : layers) plain.push_back(layer.layer);
  const Network<T> valid(inputs, plain);  // throws for layers that are not

  std::size_t size = 0, width = inputs, transposed = 0, size_of_batches = 0;
  for (const TrainedLayer<T>& each : layers) {
    size = checked_sum(size, packed_size<T>(layer_row(each.layer.kind), width, each.layer.units));
    if (layer_row(each.layer.kind).has_kernel())
      transposed = std::max(transposed, TransposedGroups<T>(width, each.layer.units).size());
    width = each.layer.units;
  }
  memory_ = AlignedBuffer<T>(checked_sum(size, kPanelUnits<T>));
  transposed_ = AlignedBuffer<T>(checked_sum(transposed, kPanelUnits<T>));
  T* free = memory_.data();

  width = inputs;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const TrainedLayer<T>& given = layers[i];
    const Layer<T>& layer = given.layer;
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
  for (const Stage<T>& stage : stages_)
    if (stage.uses_batch()) size_of_batches += kArraysOfBatch * round_up(stage.layer.units, kMostChains);
  of_batches_ = AlignedBuffer<T>(size_of_batches);
  T* next = of_batches_.data();
  for (Stage<T>& stage : stages_) {
    if (!stage.uses_batch()) continue;
    uses_batch_ = true;
    const auto take = [&] { return std::exchange(next, next + round_up(stage.layer.units, kMostChains)); };
    stage.of_batch = stage.layer;
    stage.of_batch.of_units[2] = take();
    stage.of_batch.of_units[3] = take();
    stage.mean_delta = take();
    stage.mean_product = take();
  }
}

template <class T>
void Stages<T>::add_stage(const TrainedLayer<T>& given, std::size_t number, std::size_t inputs, LayerKind kind,
                          Activation activation) {
  const std::size_t units = given.layer.units;
  const bool whole_rows = layer_row(kind).has_activation ? takes_whole_rows(activation) : true;
  Stage<T> stage{{inputs, units, chains_of(units), kind, activation, whole_rows, 0}, {}};
  for (std::size_t i = 0; i < kMostParameters; ++i)
    stage.layer.parameters[i] = static_cast<T>(given.layer.parameters[i]);
  stage.number = number;
  stage.trainable = given.trainable;
  stage.momentum = given.momentum;
  stages_.push_back(stage);
}

template <class T>
void Stages<T>::reserve(std::size_t rows) {
  if (rows <= rows_) return;
  std::size_t size = checked_product(rows, static_cast<std::size_t>(stride_of<T>(inputs_)));
  const auto add = [&](std::size_t columns) {
    size = checked_sum(size, checked_product(rows, static_cast<std::size_t>(stride_of<T>(columns))));
  };
  const auto keeps = [](const Stage<T>& stage) { return stage.noise.kind != NoiseKind::none; };
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
  outputs_ = {take(inputs_)};
  kept_.clear();
  for (const Stage<T>& stage : stages_) {
    outputs_.push_back(take(stage.layer.units));
    kept_.push_back(keeps(stage) ? take(stage.layer.units) : Matrix<T>{});
  }
  deltas_[0] = take(widest_).data;
  deltas_[1] = take(widest_).data;
  products_ = take(widest_).data;
  rows_ = rows;
}

template class Stages<float>;
template class Stages<double>;

}  // namespace fastnn
