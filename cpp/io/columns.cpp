// See columns.hpp and docs/model-format.md, "Columns". Nothing is computed from them here.
#include "columns.hpp"

#include <cmath>
#include <cstdint>
#include <set>
#include <utility>

#include "text.hpp"

namespace fastnn::io {
namespace {

struct ColumnRow {
  const char* type;
  Keys settings;  // of numbers
  bool is_text = false, is_integer = false;

  bool has_values() const { return is_text || is_integer; }
};

const ColumnRow kColumns[] = {
    {"float", {}},
    {"float_normalized", {"mean", "variance"}},
    {"float_rescaled", {"scale", "offset"}},
    {"float_robust", {"median", "factor"}},
    {"boolean", {}},
    {"string_categorical", {}, true, false},
    {"integer_categorical", {}, false, true},
};

std::string text_at(const Json& json, const char* key, const std::string& where) {
  if (json.at(key).is_string()) return json[key].get<std::string>();
  throw ModelFormatError(where + " has " + json_kind(json[key]) + " as '" + key + "'; expected a string");
}

bool flag_at(const Json& json, const char* key, const std::string& where) {
  if (json.at(key).is_boolean()) return json[key].get<bool>();
  throw ModelFormatError(where + " has " + json_kind(json[key]) + " as '" + key + "'; expected true or false");
}

double number_at(const Json& json, const std::string& key, const std::string& where) {
  const double least = key == "variance" || key == "factor" ? 0 : -HUGE_VAL;
  if (json.at(key).is_number()) {
    const auto value = json[key].get<double>();
    if (std::isfinite(value) && value >= least) return value;
  }
  throw ModelFormatError(where + " has " + (json[key].is_number() ? json[key].dump() : json_kind(json[key])) + " as '" +
                         key + "'; expected a finite number" + (least == 0 ? " of at least 0" : ""));
}

const ColumnRow& row_of(const std::string& type, const std::string& where) {
  std::string known;
  for (const ColumnRow& row : kColumns) {
    if (type == row.type) return row;
    known += (known.empty() ? "" : ", ") + std::string(row.type);
  }
  throw UnsupportedModelError(where + " has the type " + shown(type) + "; expected one of " + known);
}

bool is_integer_of_64_bits(const Json& value) {
  return value.is_number_integer() && (!value.is_number_unsigned() || value.get<std::uint64_t>() <= INT64_MAX);
}

std::vector<std::string> values_at(const Json& json, const ColumnRow& row, const std::string& where) {
  const Json& given = json["values"];
  const std::string expected = row.is_text ? "strings" : "whole numbers of 64 bits";
  if (!given.is_array() || given.empty()) {
    throw ModelFormatError(where + " has " + (given.is_array() ? "an empty array" : json_kind(given)) +
                           " as 'values'; expected an array of " + expected);
  }
  std::vector<std::string> values;
  std::set<std::string> seen;
  for (const Json& each : given) {
    if (row.is_text ? !each.is_string() : !is_integer_of_64_bits(each))
      throw ModelFormatError(where + " has " + json_kind(each) + " in 'values'; expected " + expected);
    values.push_back(row.is_text ? each.get<std::string>() : each.dump());
    if (!seen.insert(values.back()).second)
      throw ModelFormatError(where + " has " + shown(values.back()) + " twice in 'values'; expected unique values");
  }
  return values;
}

Column parse_column(const Json& json, const std::string& where) {
  if (!json.is_object() || !json.contains("type")) check_object(json, {"name", "type"}, {}, where);
  const ColumnRow& row = row_of(text_at(json, "type", where), where);
  Keys keys = row.settings;
  keys.insert(keys.end(), {"name", "type"});
  if (row.has_values()) {
    keys.insert(keys.end(), {"values", "gap"});
  } else {
    keys.insert(keys.end(), {"fill", "indicator"});
  }
  check_object(json, keys, row.has_values() ? Keys{"unknown"} : Keys{}, where);
  Column column{text_at(json, "name", where), row.type};
  if (row.has_values()) {
    column.has_gap = flag_at(json, "gap", where);
    column.takes_unknown = !json.contains("unknown") || flag_at(json, "unknown", where);
    column.values = values_at(json, row, where);
    column.width = 1 + column.values.size() + (column.has_gap ? 1 : 0);
  } else {
    column.has_gap = flag_at(json, "indicator", where);
    column.fill = json["fill"].is_null() ? NAN : number_at(json, "fill", where);
    for (const std::string& key : row.settings) column.settings[key] = number_at(json, key, where);
    column.width = column.has_gap ? 2 : 1;
  }
  return column;
}

}  // namespace

std::vector<Column> parse_columns(const Json& json, std::size_t inputs, const std::string& where) {
  if (!json.is_array() || json.empty()) {
    throw ModelFormatError(where + " has " + (json.is_array() ? "an empty array" : json_kind(json)) +
                           " as 'columns'; expected an array of at least one column");
  }
  std::vector<Column> columns;
  std::set<std::string> names;
  std::size_t width = 0;
  for (std::size_t i = 0; i < json.size(); ++i) {
    const std::string place = where + ": column " + std::to_string(i);
    Column column = parse_column(json[i], place);
    if (!names.insert(column.name).second)
      throw ModelFormatError(place + " has the name " + shown(column.name) + " of a column before it; expected " +
                             "unique names");
    width += column.width;
    columns.push_back(std::move(column));
  }
  if (width != inputs) {
    throw ModelFormatError(where + " has 'columns' of " + std::to_string(width) + " numbers; expected " +
                           std::to_string(inputs) + ", the inputs in 'build_input_shape'");
  }
  return columns;
}

}  // namespace fastnn::io
