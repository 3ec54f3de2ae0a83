// A step in two halves, for batches that several processes share: the gradient of each block of rows by itself, which
// is a function of weights and rows alone, and what the optimizer does with their sum.
#include <algorithm>

#include "elementary.hpp"
#include "steps.hpp"

namespace fastnn {
namespace {

void check_blocks(bool uses_batch) {
  if (uses_batch)
    throw Error("expected layers that train blocks of rows by themselves; a trainable BatchNormalization does not");
}

void check_place(std::size_t rows, const PartOfBatch& place) {
  if (place.first % kBlockRows != 0 || place.first > place.rows || rows > place.rows - place.first ||
      (rows % kBlockRows != 0 && place.first + rows != place.rows))
    throw Error("expected whole blocks of " + std::to_string(kBlockRows) + " rows of a batch of " +
                std::to_string(place.rows) + ", or its last ones; received " + std::to_string(rows) + " from row " +
                std::to_string(place.first) + " on");
}

}  // namespace

template <class T>
BlockGradients<T> Steps<T>::block_gradients(const Batches<T>& part, const PartOfBatch& place) {
  check_blocks(stages_.uses_batch());
  check_place(part.rows, place);
  BlockGradients<T> result;
  const std::size_t size = stages_.memory().size(), blocks = (part.rows + kBlockRows - 1) / kBlockRows;
  result.gradients.reserve(checked_product(blocks, size));
  result.losses.reserve(part.rows);
  begin(part.rows, nullptr);
  for (std::size_t at = 0; at < part.rows; at += kBlockRows) {
    const std::size_t here = std::min(kBlockRows, part.rows - at);
    run_forward(part, at, here, {place.first + at, place.rows, place.batches},
                part.outputs == nullptr ? nullptr : part.outputs + at * units());
    double total = 0;
    for (std::size_t r = 0; r < here; ++r) {
      result.losses.push_back(static_cast<double>(row_losses_[r]) * static_cast<double>(weights_[r]));
      total += result.losses.back();
    }
    result.activities.push_back(stages_.activity(here));
    result.finite = elementary::is_finite(total + result.activities.back());
    if (!result.finite) {
      result.layer = first_not_finite(here);
      return result;
    }
    stages_.backward(last(), here, place.rows, false, *this);
    // Only the numbers: what pads them comes from rows before.
    const std::size_t start = result.gradients.size();
    result.gradients.resize(start + size);
    for (const Tensor<T>& tensor : stages_.tensors())
      if (tensor.trained)
        tensor.for_each_stretch([&](std::size_t offset, std::size_t count) {
          std::copy_n(optimization_.gradients() + offset, count, result.gradients.data() + start + offset);
        });
  }
  return result;
}

template <class T>
void Steps<T>::apply(const T* gradients, double learning_rate) {
  check_blocks(stages_.uses_batch());
  in_pieces_ = false;
  optimization_.reserve_gradients();
  optimization_.begin(learning_rate);
  std::copy_n(gradients, stages_.memory().size(), optimization_.gradients());
  finish();
}

template BlockGradients<float> Steps<float>::block_gradients(const Batches<float>&, const PartOfBatch&);
template BlockGradients<double> Steps<double>::block_gradients(const Batches<double>&, const PartOfBatch&);
template void Steps<float>::apply(const float*, double);
template void Steps<double>::apply(const double*, double);

}  // namespace fastnn
