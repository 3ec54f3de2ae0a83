// See file.hpp. Reading decides everything on the open descriptor, so that nothing can be exchanged in between.
// Writing: temporary file beside the destination, fsync, rename, fsync of the directory; in this order a crash at any
// moment leaves either the old file or the new one under the name.
#include "file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <random>
#include <system_error>

#include "fastnn/error.hpp"
#include "text.hpp"

namespace fastnn::io {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostAtOnce = std::size_t{1} << 30;  // macOS refuses more than 2 GiB in one call
constexpr mode_t kPermissionBits = 0777;

[[noreturn]] void fail(const char* what, const fs::path& path, int error) {
  throw FileError(escaped(path.native()) + ": " + what + ": " + std::generic_category().message(error), path.native(),
                  error);
}

void check_path(const std::string& path) {
  if (path.find('\0') != std::string::npos) throw Error("path has a NUL byte: " + shown(path));
}

// The result of a system call, made again while a signal interrupts it.
template <class Call>
auto retried(const Call& call) {
  for (;;) {
    const auto result = call();
    if (result >= 0 || errno != EINTR) return result;
  }
}

const char* kind_of(mode_t mode) {
  if (S_ISFIFO(mode)) return "a FIFO";
  if (S_ISSOCK(mode)) return "a socket";
  if (S_ISCHR(mode) || S_ISBLK(mode)) return "a device";
  return "a special file";
}

// O_NONBLOCK: opening a FIFO returns at once. O_NOCTTY: a terminal does not become ours.
int open_to_read(const std::string& path) {
  check_path(path);
  const int descriptor = retried([&] { return ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY); });
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

// 0 at the end of the file.
std::size_t read_some(int descriptor, char* to, std::size_t bytes, const std::string& path) {
  const ssize_t got = retried([&] { return ::read(descriptor, to, std::min(bytes, kMostAtOnce)); });
  if (got < 0) fail("cannot read", path, errno);
  return static_cast<std::size_t>(got);
}

// Where the bytes go: `path`, or what it points to, also when that does not exist yet.
fs::path resolve_links(const fs::path& path) {
  constexpr int kMostLinks = 40;  // as Linux
  fs::path target = path;
  for (int i = 0; i < kMostLinks; ++i) {
    std::error_code error;
    if (!fs::is_symlink(fs::symlink_status(target, error))) return target;
    target = target.parent_path() / fs::read_symlink(target, error);
    if (error) fail("cannot write", path, error.value());
  }
  fail("cannot write", path, ELOOP);
}

// The permission bits of the file to be replaced, or `fallback` when there is none. Throws when it is not a regular
// file: renaming onto it would delete a FIFO or a device.
mode_t permissions_of(const fs::path& target, mode_t fallback) {
  struct stat status;
  if (::stat(target.c_str(), &status) != 0) {
    if (errno == ENOENT) return fallback;
    fail("cannot stat", target, errno);
  }
  if (S_ISDIR(status.st_mode)) fail("cannot write", target, EISDIR);
  if (!S_ISREG(status.st_mode))
    throw Error(escaped(target.native()) + ": is " + kind_of(status.st_mode) +
                "; expected a regular file to write, or none");
  return status.st_mode & kPermissionBits;
}

// A new file beside the destination; removed unless it has been moved there. Functions return 0 or the error number.
class TemporaryFile {
 public:
  TemporaryFile(const fs::path& directory, mode_t mode) {
    do {
      path_ = directory / (".fastnn-" + std::to_string(random_()) + std::to_string(random_()) + ".tmp");
      descriptor_ = retried([&] { return ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode); });
    } while (descriptor_ < 0 && errno == EEXIST);
    if (descriptor_ < 0) error_ = errno;
  }
  ~TemporaryFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
    if (!moved_ && error_ == 0) ::unlink(path_.c_str());
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  int error() const { return error_; }

  int set_permissions(mode_t mode) { return ::fchmod(descriptor_, mode) == 0 ? 0 : errno; }

  int write(Bytes piece) {
    while (piece.size > 0) {
      const ssize_t put = retried([&] { return ::write(descriptor_, piece.data, std::min(piece.size, kMostAtOnce)); });
      if (put < 0) return errno;
      if (put == 0) return EIO;
      piece.data += put;
      piece.size -= static_cast<std::size_t>(put);
    }
    return 0;
  }

  // Some network and FUSE file systems have no fsync and say EINVAL; the rename is still atomic there.
  int finish() {
    if (retried([&] { return ::fsync(descriptor_); }) != 0 && errno != EINVAL) return errno;
    const int closed = ::close(descriptor_);  // never again, also when interrupted: the number may be another's by then
    descriptor_ = -1;
    return closed == 0 || errno == EINTR ? 0 : errno;
  }

  int move_to(const fs::path& target) {
    if (::rename(path_.c_str(), target.c_str()) != 0) return errno;
    moved_ = true;
    return 0;
  }

 private:
  std::random_device random_;
  fs::path path_;
  int descriptor_ = -1;
  int error_ = 0;
  bool moved_ = false;
};

// The new name is on the disk only when its directory is. A failure is not reported: the file is complete and in
// place, and a caller told otherwise would take the old one to be there still.
void sync_directory(const fs::path& directory) {
  const int descriptor = retried([&] { return ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
  if (descriptor < 0) return;
  (void)retried([&] { return ::fsync(descriptor); });
  ::close(descriptor);
}

}  // namespace

InputFile::InputFile(const std::string& path) : Input(escaped(path)), path_(path), descriptor_(open_to_read(path)) {
  try {
    size_ = regular_size(descriptor_, path_, name());
  } catch (...) {
    ::close(descriptor_);
    throw;
  }
}

InputFile::~InputFile() { ::close(descriptor_); }

std::string InputFile::beginning(std::size_t bytes) const {
  std::string result(bytes, '\0');
  const ssize_t got = retried([&] { return ::pread(descriptor_, result.data(), bytes, 0); });
  if (got < 0) fail("cannot read", path_, errno);
  result.resize(static_cast<std::size_t>(got));
  return result;
}

void InputFile::read(char* to, std::size_t bytes) {
  while (bytes > 0) {
    const std::size_t got = read_some(descriptor_, to, bytes, path_);
    if (got == 0) throw ModelFormatError(name() + ": became shorter while it was read");
    to += got;
    bytes -= got;
  }
}

void InputFile::expect_end() {
  char extra;
  if (read_some(descriptor_, &extra, 1, path_) == 0) return;
  throw ModelFormatError(name() + ": became longer while it was read");
}

InputBytes::InputBytes(std::string name, Bytes bytes) : Input(std::move(name)), left_(bytes) { size_ = bytes.size; }

std::string InputBytes::beginning(std::size_t bytes) const {
  return std::string(left_.data, std::min(bytes, left_.size));
}

void InputBytes::read(char* to, std::size_t bytes) {
  std::copy_n(left_.data, bytes, to);
  left_ = {left_.data + bytes, left_.size - bytes};
}

void InputBytes::expect_end() {}

void write_file(const std::string& path, const std::vector<Bytes>& pieces) {
  check_path(path);
  if (path.empty()) fail("cannot write", path, ENOENT);
  const fs::path target = resolve_links(path);
  const fs::path directory = target.has_parent_path() ? target.parent_path() : fs::path(".");
  const auto check = [&](int error) {
    if (error != 0) fail("cannot write", path, error);
  };

  // A new file gets 0666 less the umask, which open() applies: umask() itself can only be read by changing it, for
  // all threads. The bytes of a file that replaces a private one are never readable for others.
  constexpr mode_t kNone = ~mode_t{0};
  const mode_t old_mode = permissions_of(target, kNone);
  TemporaryFile file(directory, old_mode == kNone ? 0666 : 0600);
  check(file.error());
  if (old_mode != kNone) check(file.set_permissions(old_mode));
  for (const Bytes& piece : pieces) check(file.write(piece));
  check(file.finish());
  check(file.move_to(target));
  sync_directory(directory);
}

}  // namespace fastnn::io
