// `program MODEL OUT`, with examples/digits.safetensors as MODEL: saves models that a C++ program has changed. An
// inconsistent model is refused with its fault, and the old file stays. Paths to other things than regular files are
// refused.
#include <sys/stat.h>

#include <cstring>
#include <fastnn/model_file.hpp>
#include <functional>
#include <string>

#include "check.hpp"

namespace {

using fastnn::ModelFile;
using Change = std::function<void(ModelFile&)>;

struct Refused {
  Change change;
  std::string reason;
};

const Refused kBySaving[] = {
    {[](ModelFile& m) { m.dtype = fastnn::Dtype::float64; }, "the model has 64 inputs and 3 layers of float64"},
    {[](ModelFile& m) { m.inputs = 63; }, "the model has 63 inputs"},
    {[](ModelFile& m) { m.layers.pop_back(); }, "the model has 64 inputs and 2 layers"},
    {[](ModelFile& m) { m.layers[1].units = 33; }, "layer 1 has Dense of shape (64, 33), activation 'relu'"},
    {[](ModelFile& m) { m.layers[1].activation = fastnn::Activation::tanh; }, ", activation 'tanh'"},
    {[](ModelFile& m) { m.layers[2].weights.erase("kernel"); }, "bias; expected its config's Dense of shape (32, 10)"},
    {[](ModelFile& m) { m.layers[2].weights.erase("bias"); }, "kernel; expected its config's Dense of shape (32, 10)"},
    {[](ModelFile& m) { m.layers[1].kind = fastnn::LayerKind::activation; }, "layer 1 has Activation of"},
    {[](ModelFile& m) { m.layers[0].weights["scale"].resize(256); }, ", bias, kernel, scale; expected its config's"},
    {[](ModelFile& m) { m.config = "{}"; }, "config"},
};
const Refused kBySizes[] = {
    {[](ModelFile& m) { m.layers[0].weights.at("kernel").pop_back(); },
     "layer 0 has a kernel of 16383 bytes; expected float32 of"},
    {[](ModelFile& m) { m.layers[0].weights.at("kernel").resize(4); }, "layer 0 has a kernel of 4 bytes"},
    {[](ModelFile& m) { m.layers[2].weights.at("bias").resize(44); },
     "layer 2 has a bias of 44 bytes; expected float32 of shape (10,)"},
};
const Refused kByBuilding[] = {
    {[](ModelFile& m) { m.dtype = fastnn::Dtype::float64; }, "expected a model of float32; received one of float64"},
    {[](ModelFile& m) { m.layers.erase(m.layers.begin() + 1); },
     "layer 1 has 32 inputs; expected 64, the units before"},
    {[](ModelFile& m) { m.layers[0].units = 0; }, "layer 0 has a kernel of"},
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

}  // namespace

int main(int, char** arguments) {
  const std::string out = arguments[2];
  ModelFile model = fastnn::load_model(arguments[1]);
  const float more = 0.5f;
  std::memcpy(model.layers[2].weights.at("bias").data(), &more, sizeof more);
  fastnn::save_model(out, model);

  const auto save = [&](const ModelFile& changed) { fastnn::save_model(out, changed); };
  const auto build = [](const ModelFile& changed) { fastnn::build_network<float>(changed); };
  check_refused(model, kBySaving, save);
  check_refused(model, kBySizes, save);
  check_refused(model, kBySizes, build);
  check_refused(model, kByBuilding, build);

  CHECK(::mkfifo("fifo", 0600) == 0);
  check_refusal([] { fastnn::load_model("fifo"); }, "fifo: is a FIFO; expected a regular file");
  check_refusal([&] { fastnn::save_model("fifo", model); },
                "fifo: is a FIFO; expected a regular file to write, or none");
  check_refusal([] { fastnn::load_model("/dev/zero"); }, "/dev/zero: is a device; expected a regular file");

  const ModelFile saved = fastnn::load_model(out);
  CHECK(saved.config == model.config && saved.layers[2].weights.at("bias") == model.layers[2].weights.at("bias"));
  CHECK(fastnn::build_network<float>(saved).fingerprint() == fastnn::build_network<float>(model).fingerprint());
  CHECK(saved.layers[2].weights.at("bias") != fastnn::load_model(arguments[1]).layers[2].weights.at("bias"));
}
