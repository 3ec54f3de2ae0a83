// The columns of a table that a config names: what Python's FeatureSpace makes the rows of the model from.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "fastnn/model_file.hpp"
#include "json.hpp"

namespace fastnn::io {

// Returns the columns of a config. Together they must be as wide as the model has inputs. `where` begins every message.
// Throws ModelFormatError for a value that is missing or wrong, UnsupportedModelError for an unknown type or key.
std::vector<Column> parse_columns(const Json& columns, std::size_t inputs, const std::string& where);

}  // namespace fastnn::io
