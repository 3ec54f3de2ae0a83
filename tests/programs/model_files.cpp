// `program MODEL OUT`, with examples/digits.safetensors as MODEL: saves models that a C++ program has changed. An
// inconsistent model is refused with its fault, and the old file stays. Paths to other things than regular files are
// refused. The columns of a config say what a row must hold.
#include <sys/stat.h>

#include <cmath>
#include <cstring>
#include <fastnn/model_file.hpp>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "check.hpp"

namespace {

using fastnn::ModelFile;
using Change = std::function<void(ModelFile&)>;

struct Refused {
  Change change;
  std::string reason;
};

const Refused kAlways[] = {
    {[](ModelFile& m) { m.architecture = nullptr; }, "expected a model with an architecture; received a null pointer"},
    {[](ModelFile& m) { m.weights.pop_back(); }, "has 4 weights in 2 layers; expected 6 in 3, those of its config"},
    {[](ModelFile& m) { m.weights[2].erase("kernel"); }, "has 5 weights in 3 layers; expected 6"},
    {[](ModelFile& m) { m.weights[2].erase("bias"); }, "has 5 weights in 3 layers; expected 6"},
    {[](ModelFile& m) { m.weights[0]["scale"].resize(256); }, "has 7 weights in 3 layers; expected 6"},
    {[](ModelFile& m) { m.weights[1].erase("bias"), m.weights[1]["scale"].resize(128); }, "layer 1 has no bias"},
    {[](ModelFile& m) { std::swap(m.weights[1], m.weights[2]); }, "layer 1 has a kernel of 1280 bytes"},
    {[](ModelFile& m) { m.weights[0].at("kernel").pop_back(); },
     "layer 0 has a kernel of 16383 bytes; expected float32 of"},
    {[](ModelFile& m) { m.weights[0].at("kernel").resize(4); }, "layer 0 has a kernel of 4 bytes"},
    {[](ModelFile& m) { m.weights[2].at("bias").resize(44); },
     "layer 2 has a bias of 44 bytes; expected float32 of shape (10,)"},
};

// Replaces the architecture by one that parse_config did not make.
template <class Change>
auto forged(const Change& change) {
  return [change](ModelFile& model) {
    auto architecture = std::make_shared<fastnn::Architecture>(*model.architecture);
    change(*architecture);
    model.architecture = architecture;
  };
}

const Refused kBySaving[] = {
    {forged([](auto& a) { a.config = "{}"; }), "config"},
};
const Refused kByBuilding[] = {
    {forged([](auto& a) { a.dtype = fastnn::Dtype::float64; }), "expected a model of float32; received one of float64"},
    {forged([](auto& a) { a.layers[0].units = 0; }), "layer 0 has a kernel of"},
    {forged([](auto& a) { a.layers[1].kind = fastnn::LayerKind::activation; }), "layer 1: expected"},
};

template <class Call>
void check_refusal(const Call& call, const std::string& reason) {
  try {
    call();
    CHECK(false);
  } catch (const fastnn::Error& error) {
    if (std::strstr(error.what(), reason.c_str()) == nullptr) std::fprintf(stderr, "%s\n", error.what());
    CHECK(std::strstr(error.what(), reason.c_str()) != nullptr);
  }
}

template <std::size_t N, class Call>
void check_refused(const ModelFile& model, const Refused (&all)[N], const Call& call) {
  for (const auto& [change, reason] : all) {
    ModelFile changed = model;
    change(changed);
    check_refusal([&] { call(changed); }, reason);
  }
}

void check_columns() {
  const auto architecture = fastnn::parse_config(R"({"dtype": "float32", "build_input_shape": [null, 6], "columns": [
    {"name": "age", "type": "float_normalized", "fill": 40, "indicator": true, "mean": 40, "variance": 9.5},
    {"name": "zip", "type": "integer_categorical", "values": [-7, 1010], "gap": true}], "layers": [
    {"class_name": "Activation", "config": {"activation": "relu"}}]})",
                                                 "text");
  CHECK(architecture->columns.size() == 2);
  const fastnn::Column &age = architecture->columns[0], &zip = architecture->columns[1];
  CHECK(age.name == "age" && age.type == "float_normalized" && age.width == 2 && age.has_gap && age.fill == 40);
  CHECK(age.settings.at("mean") == 40 && age.settings.at("variance") == 9.5 && age.values.empty());
  CHECK(zip.name == "zip" && zip.type == "integer_categorical" && zip.width == 4 && zip.has_gap);
  CHECK(zip.values.size() == 2 && zip.values[0] == "-7" && zip.values[1] == "1010" && zip.settings.empty());
  CHECK(zip.takes_unknown);
}

void check_columns_of_encoders() {
  const auto architecture = fastnn::parse_config(R"({"dtype": "float32", "build_input_shape": [null, 3], "columns": [
    {"name": "age", "type": "float", "fill": null, "indicator": false},
    {"name": "city", "type": "string_categorical", "values": ["NA"], "gap": false, "unknown": false}], "layers": [
    {"class_name": "Activation", "config": {"activation": "relu"}}]})",
                                                 "text");
  const fastnn::Column &age = architecture->columns[0], &city = architecture->columns[1];
  CHECK(std::isnan(age.fill) && age.width == 1 && !city.takes_unknown && city.values[0] == "NA" && city.width == 2);
}

}  // namespace

int main(int, char** arguments) {
  check_columns();
  check_columns_of_encoders();
  const std::string out = arguments[2];
  ModelFile model = fastnn::load_model(arguments[1]);
  const float more = 0.5f;
  std::memcpy(model.weights[2].at("bias").data(), &more, sizeof more);
  fastnn::save_model(out, model);

  const auto save = [&](const ModelFile& changed) { fastnn::save_model(out, changed); };
  const auto build = [](const ModelFile& changed) { fastnn::build_network<float>(changed); };
  check_refused(model, kAlways, save);
  check_refused(model, kAlways, build);
  check_refused(model, kBySaving, save);
  check_refused(model, kByBuilding, build);

  CHECK(::mkfifo("fifo", 0600) == 0);
  check_refusal([] { fastnn::load_model("fifo"); }, "fifo: is a FIFO; expected a regular file");
  check_refusal([&] { fastnn::save_model("fifo", model); },
                "fifo: is a FIFO; expected a regular file to write, or none");
  check_refusal([] { fastnn::load_model("/dev/zero"); }, "/dev/zero: is a device; expected a regular file");

  const ModelFile saved = fastnn::load_model(out);
  CHECK(saved.architecture->config == model.architecture->config &&
        saved.weights[2].at("bias") == model.weights[2].at("bias"));
  CHECK(fastnn::build_network<float>(saved).fingerprint() == fastnn::build_network<float>(model).fingerprint());
  CHECK(saved.weights[2].at("bias") != fastnn::load_model(arguments[1]).weights[2].at("bias"));
}
