// A model's file that is open already, and the part of it that training goes on from, which only Python reads.
// fastnn/model_file.hpp opens a path, and knows of no training.
#pragma once

#include <string>
#include <vector>

#include "fastnn/model_file.hpp"
#include "file.hpp"
#include "safetensors.hpp"

namespace fastnn::io {

// What a file keeps for training: settings as a JSON object, and tensors whose names begin with kTrainingPrefix.
struct TrainingPart {
  std::string settings;  // empty: the file has no such part
  std::vector<TensorInfo> tensors;
  std::vector<std::vector<char>> data;  // of each tensor
};

inline constexpr const char* kTrainingPrefix = "training.";

// As load_model(). Without `training`, the part for training is skipped: its form is checked, none of it is in memory.
ModelFile read_model(Input& input, TrainingPart* training = nullptr);

// As save_model(), with a part for training unless its settings are empty.
void write_model(const std::string& path, const ModelFile& model, const TrainingPart& training);

}  // namespace fastnn::io
