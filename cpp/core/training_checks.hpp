// What a trainer refuses, each in one sentence: settings out of their ranges, arrays that do not fit.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "fastnn/trainer.hpp"

namespace fastnn {

void check_loss(const LossSettings& loss);
void check_optimizer(const OptimizerSettings& optimizer);
void check_learning_rate(double rate);

// Throws for settings of training alone; a network of the layers is valid.
template <class T>
void check_layers(const std::vector<TrainedLayer<T>>& layers);

// Throws for rows without numbers, y of other rows, an order of other rows.
template <class T>
void check_batches(const Batches<T>& batches);

}  // namespace fastnn
