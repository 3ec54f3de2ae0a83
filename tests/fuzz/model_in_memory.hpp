// Reads bytes as a model file, from memory and from a file, and checks the promises of the reader: a model that can be
// used or a documented error, within the limit on memory.
#pragma once

#include <sanitizer/allocator_interface.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>

#include "../../cpp/io/model_file.hpp"
#include "../programs/check.hpp"
#include "fastnn/model_file.hpp"

namespace fastnn::fuzz {

// Measures the most bytes that are allocated at once during its lifetime. Only one instance may exist at a time.
class PeakOfMemory {
 public:
  PeakOfMemory() {
    static const bool installed = [] {
      CHECK(__sanitizer_install_malloc_and_free_hooks(on_malloc, on_free) > 0);
      return true;
    }();
    (void)installed;
    now_ = most_ = 0;
  }
  std::ptrdiff_t bytes() const { return most_; }

 private:
  static void on_malloc(const volatile void*, std::size_t size) {
    now_ += static_cast<std::ptrdiff_t>(size);
    if (now_ > most_) most_ = now_.load();
  }
  static void on_free(const volatile void* pointer) {
    if (pointer != nullptr)
      now_ -= static_cast<std::ptrdiff_t>(__sanitizer_get_allocated_size(const_cast<const void*>(pointer)));
  }
  static inline std::atomic<std::ptrdiff_t> now_{0}, most_{0};
};

// A file in memory, with a path.
class MemoryFile {
 public:
  MemoryFile(const void* data, std::size_t size) : descriptor_(::memfd_create("model", MFD_CLOEXEC)) {
    CHECK(descriptor_ >= 0);
    CHECK(::write(descriptor_, data, size) == static_cast<ssize_t>(size));
  }
  ~MemoryFile() { ::close(descriptor_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

 private:
  int descriptor_;
};

// Returns the model that read() returns, or none if it throws a ModelFormatError. Its message must be one sentence that
// begins with `name`. The peak of memory must stay below twice `size` plus 64 MiB.
template <class Read>
std::optional<ModelFile> read_or_refused(const Read& read, const std::string& name, std::size_t size) {
  const PeakOfMemory peak;
  std::optional<ModelFile> model;
  try {
    model = read();
  } catch (const ModelFormatError& error) {
    const std::string what = error.what();
    CHECK(what.rfind(name + ": ", 0) == 0);
    CHECK(what.size() < 2000);
    for (const char each : what) CHECK(static_cast<unsigned char>(each) >= ' ' && each != '\x7f');
  }
  CHECK(peak.bytes() <= static_cast<std::ptrdiff_t>(2 * size + (64 << 20)));
  return model;
}

inline bool same(const ModelFile& a, const ModelFile& b) {
  return a.architecture->config == b.architecture->config && a.weights == b.weights;
}

// Uses an accepted model: it must survive saving and loading unchanged, and compute. A very wide network is skipped: a
// layer without a kernel may claim any width, whatever the size of the file.
inline void use(const ModelFile& model) {
  static const std::string path = "/dev/shm/fastnn-fuzz-" + std::to_string(::getpid());
  save_model(path, model);
  const ModelFile again = load_model(path);
  CHECK(::unlink(path.c_str()) == 0);
  CHECK(same(model, again));
  const auto run = [&](auto zero) {
    using T = decltype(zero);
    const Network<T> network = build_network<T>(model);
    if (network.inputs() > 1 << 20) return;
    const std::vector<T> x(network.inputs(), T{1});
    std::vector<T> y(network.units());
    CHECK(network.forward({x.data(), 1, 0}, y.data()));
  };
  model.architecture->dtype == Dtype::float32 ? run(0.0f) : run(0.0);
}

// Reads the content with its part for training, which may be refused where the model is not. What is accepted survives
// saving and loading.
inline void read_training(const std::string& content, const ModelFile& model) {
  static const std::string path = "/dev/shm/fastnn-fuzz-training-" + std::to_string(::getpid());
  io::TrainingPart training;
  const auto read = [&] {
    io::InputBytes input("model", {content.data(), content.size()});
    return io::read_model(input, &training);
  };
  const auto with_training = read_or_refused(read, "model", content.size());
  if (!with_training) return;
  CHECK(same(*with_training, model));
  io::write_model(path, model, training);
  const io::Descriptor opened = io::open_to_read(path);
  CHECK(::unlink(path.c_str()) == 0);
  io::InputFile input(opened.number(), path);
  io::TrainingPart again;
  CHECK(same(io::read_model(input, &again), model));
  CHECK(again.settings == training.settings && again.data == training.data);
}

// Reads the content from memory and from a file. Both must give the same model or refuse it.
inline void read_and_use(const std::string& content) {
  const auto from_bytes = [&] { return parse_model(content.data(), content.size()); };
  const auto model = read_or_refused(from_bytes, "model", content.size());
  const MemoryFile file(content.data(), content.size());
  const auto again = read_or_refused([&] { return load_model(file.path()); }, file.path(), content.size());
  CHECK(model.has_value() == again.has_value());
  if (!model) return;
  CHECK(same(*model, *again));
  use(*model);
  read_training(content, *model);
}

}  // namespace fastnn::fuzz
