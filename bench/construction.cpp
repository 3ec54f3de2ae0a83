// Measures the time before the first call: packing weights into a network, and reading a model file. Both together
// spend most of their time on fresh pages from the operating system; one alone reuses the memory of its last
// repetition.
#include <benchmark/benchmark.h>

#include <filesystem>

#include "fastnn/model_file.hpp"
#include "networks.hpp"

namespace {

fastnn::ModelFile model(const Description& description) {
  fastnn::ModelFile model;
  std::string layers;
  std::size_t inputs = description.inputs;
  for (const fastnn::Layer<float>& layer : description.layers) {
    const char* bytes = reinterpret_cast<const char*>(layer.weights.at("kernel"));
    model.weights.emplace_back()["kernel"].assign(bytes, bytes + 4 * inputs * layer.units);
    layers += std::string(layers.empty() ? "" : ",") + R"({"class_name":"Dense","config":{"units":)" +
              std::to_string(layer.units) + R"(,"activation":")" + fastnn::activation_name(layer.activation) +
              R"(","use_bias":false}})";
    inputs = layer.units;
  }
  model.architecture = fastnn::parse_config(R"({"dtype":"float32","build_input_shape":[null,)" +
                                                std::to_string(description.inputs) + R"(],"layers":[)" + layers + "]}",
                                            "model");
  return model;
}

template <class Work>
void register_work(const std::string& name, const Shape& shape, const Work& work) {
  const auto run = [&shape, work](benchmark::State& state) {
    const Description description(shape);
    const std::string path = std::filesystem::temp_directory_path() / "fastnn-construction.safetensors";
    fastnn::save_model(path, model(description));
    for (auto _ : state) work(description, path);
    std::filesystem::remove(path);
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(weights(shape) * sizeof(float)));
  };
  benchmark::RegisterBenchmark((name + " " + shape.name).c_str(), run)->Unit(benchmark::kMicrosecond);
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  for (const Shape& shape : kShapes) {
    register_work("build", shape, [](const Description& description, const std::string&) {
      benchmark::DoNotOptimize(description.network().units());
    });
    register_work("load", shape, [](const Description&, const std::string& path) {
      benchmark::DoNotOptimize(fastnn::load_model(path).weights.size());
    });
    register_work("load and build", shape, [](const Description&, const std::string& path) {
      benchmark::DoNotOptimize(fastnn::build_network<float>(fastnn::load_model(path)).units());
    });
  }
  benchmark::RunSpecifiedBenchmarks();
}
