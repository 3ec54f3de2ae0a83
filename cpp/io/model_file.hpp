// A model's file that is open already. fastnn/model_file.hpp opens a path.
#pragma once

#include "fastnn/model_file.hpp"
#include "file.hpp"

namespace fastnn::io {

// As load_model().
ModelFile read_model(Input& input);

}  // namespace fastnn::io
