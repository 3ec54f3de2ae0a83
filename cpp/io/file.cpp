// See file.hpp: reading. Every decision is made on the open descriptor, so that nothing can be exchanged in between.
#include "file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "fastnn/model.hpp"
#include "text.hpp"

namespace fastnn::io {
namespace {

[[noreturn]] void fail(const char* what, const std::string& path, int error) {
  throw std::filesystem::filesystem_error(what, path, std::error_code(error, std::generic_category()));
}

const char* kind_of(mode_t mode) {
  if (S_ISFIFO(mode)) return "a FIFO";
  if (S_ISSOCK(mode)) return "a socket";
  if (S_ISCHR(mode) || S_ISBLK(mode)) return "a device";
  return "a special file";
}

// O_NONBLOCK: opening a FIFO returns at once. O_NOCTTY: a terminal does not become ours.
int open_to_read(const std::string& path) {
  if (path.find('\0') != std::string::npos) throw std::invalid_argument("path has a NUL byte: " + shown(path));
  int descriptor;
  do {
    descriptor = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
  } while (descriptor < 0 && errno == EINTR);
  if (descriptor < 0) fail("cannot open", path, errno);
  return descriptor;
}

std::uint64_t regular_size(int descriptor, const std::string& path, const std::string& name) {
  struct stat status;
  if (::fstat(descriptor, &status) != 0) fail("cannot stat", path, errno);
  if (S_ISDIR(status.st_mode)) fail("cannot read", path, EISDIR);
  if (!S_ISREG(status.st_mode)) {
    throw ModelFormatError(name + ": is " + kind_of(status.st_mode) + "; expected a regular file");
  }
  return static_cast<std::uint64_t>(status.st_size);
}

// 0 at the end of the file. macOS refuses more than 2 GiB in one call.
std::size_t read_some(int descriptor, char* to, std::size_t bytes, const std::string& path) {
  constexpr std::size_t kMostAtOnce = std::size_t{1} << 30;
  for (;;) {
    const ssize_t got = ::read(descriptor, to, std::min(bytes, kMostAtOnce));
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno != EINTR) fail("cannot read", path, errno);
  }
}

}  // namespace

InputFile::InputFile(const std::string& path) : path_(path), name_(escaped(path)), descriptor_(open_to_read(path)) {
  try {
    size_ = regular_size(descriptor_, path_, name_);
  } catch (...) {
    ::close(descriptor_);
    throw;
  }
}

InputFile::~InputFile() { ::close(descriptor_); }

std::string InputFile::beginning(std::size_t bytes) const {
  std::string result(bytes, '\0');
  const ssize_t got = ::pread(descriptor_, result.data(), bytes, 0);
  if (got < 0) fail("cannot read", path_, errno);
  result.resize(static_cast<std::size_t>(got));
  return result;
}

void InputFile::read(char* to, std::size_t bytes) {
  while (bytes > 0) {
    const std::size_t got = read_some(descriptor_, to, bytes, path_);
    if (got == 0) throw ModelFormatError(name_ + ": became shorter while it was read");
    to += got;
    bytes -= got;
  }
}

void InputFile::expect_end() {
  char extra;
  if (read_some(descriptor_, &extra, 1, path_) == 0) return;
  throw ModelFormatError(name_ + ": became longer while it was read");
}

}  // namespace fastnn::io
