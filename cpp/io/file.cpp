// See file.hpp. A file's kind is decided on the open descriptor, so that nothing can be exchanged in between.
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
#include <system_error>

#include "fastnn/error.hpp"
#include "text.hpp"

namespace fastnn::io {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostAtOnce = std::size_t{1} << 30;  // macOS refuses more than 2 GiB in one call
constexpr mode_t kPermissionBits = 0777;

[[noreturn]] void fail(const char* what, const std::string& path, int error) {
  throw FileError(escaped(path) + ": " + what + ": " + std::generic_category().message(error), path, error);
}

void check_path(const std::string& path) {
  if (path.find('\0') != std::string::npos) throw Error("path has a NUL byte: " + shown(path));
}

// Returns the result of a system call, which is repeated while a signal interrupts it.
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

struct stat status_of(int descriptor, const std::string& path) {
  struct stat status;
  if (::fstat(descriptor, &status) != 0) fail("cannot stat", path, errno);
  return status;
}

// Returns where the bytes go: `path`, or the file it links to, which need not exist yet.
fs::path resolve_links(const std::string& path) {
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

// Returns the permission bits of the file to be replaced, or `fallback` if there is none. Throws if it is not a regular
// file: renaming onto it would delete a FIFO or a device.
mode_t permissions_of(const std::string& target, mode_t fallback, const std::string& path) {
  struct stat status;
  if (::stat(target.c_str(), &status) != 0) {
    if (errno != ENOENT) fail("cannot write", path, errno);
    if (target.back() == '/') fail("cannot write", path, EISDIR);
    return fallback;
  }
  if (S_ISDIR(status.st_mode)) fail("cannot write", path, EISDIR);
  if (!S_ISREG(status.st_mode))
    throw Error(escaped(path) + ": is " + kind_of(status.st_mode) + "; expected a regular file to write, or none");
  return status.st_mode & kPermissionBits;
}

fs::path directory_of(const fs::path& target) { return target.has_parent_path() ? target.parent_path() : "."; }

// The new name is on the disk only when its directory is. A failure is not reported: the file is complete and in
// place, and the caller would believe that the old file is still there.
void sync_directory(const fs::path& directory) {
  const Descriptor opened(retried([&] { return ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
  if (opened.number() >= 0) (void)retried([&] { return ::fsync(opened.number()); });
}

}  // namespace

Descriptor::~Descriptor() {
  if (number_ >= 0) ::close(number_);
}

// O_NONBLOCK: opening a FIFO returns at once. O_NOCTTY: a terminal does not become the process's own.
Descriptor open_to_read(const std::string& path, Kind kind) {
  check_path(path);
  const bool waits = kind == Kind::regular_file_or_fifo;
  const auto open = [&] { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | (waits ? 0 : O_NONBLOCK)); };
  Descriptor opened(waits ? open() : retried(open));
  if (opened.number() < 0) fail("cannot open", path, errno);
  const mode_t mode = status_of(opened.number(), path).st_mode;
  if (S_ISDIR(mode)) fail("cannot read", path, EISDIR);
  if (!S_ISREG(mode) && !(waits && S_ISFIFO(mode))) {
    throw ModelFormatError(escaped(path) + ": is " + kind_of(mode) + "; expected a regular file" +
                           (waits ? " or a FIFO" : ""));
  }
  return opened;
}

std::string Input::beginning(std::size_t bytes) const {
  std::string result(bytes, '\0');
  result.resize(read_some(0, result.data(), bytes));
  return result;
}

void Input::read(char* to, std::size_t bytes) {
  while (bytes > 0) {
    const std::size_t got = read_some(position_, to, bytes);
    if (got == 0) throw ModelFormatError(name_ + ": became shorter while it was read");
    to += got;
    bytes -= got;
    position_ += got;
  }
}

void Input::skip(std::uint64_t bytes) {
  if (bytes == 0) return;
  position_ += bytes - 1;
  char last;
  read(&last, 1);
}

void Input::expect_end() const {
  char extra;
  if (read_some(position_, &extra, 1) > 0) throw ModelFormatError(name_ + ": became longer while it was read");
}

InputFile::InputFile(int descriptor, const std::string& path)
    : Input(escaped(path), static_cast<std::uint64_t>(status_of(descriptor, path).st_size)),
      path_(path),
      descriptor_(descriptor) {}

std::size_t InputFile::read_some(std::uint64_t offset, char* to, std::size_t bytes) const {
  const std::size_t most = std::min(bytes, kMostAtOnce);
  const ssize_t got = retried([&] { return ::pread(descriptor_, to, most, static_cast<off_t>(offset)); });
  if (got < 0) fail("cannot read", path_, errno);
  return static_cast<std::size_t>(got);
}

std::size_t InputBytes::read_some(std::uint64_t offset, char* to, std::size_t bytes) const {
  const std::size_t count = std::min<std::size_t>(bytes, bytes_.size - offset);
  std::copy_n(bytes_.data + offset, count, to);
  return count;
}

OutputFile::OutputFile(const std::string& path) : path_(path) {
  check_path(path);
  if (path.empty()) fail("cannot write", path, ENOENT);
  target_ = resolve_links(path).native();
  constexpr mode_t kNone = ~mode_t{0};
  const mode_t old_mode = permissions_of(target_, kNone, path);

  // open() applies the umask to a new file's 0666: umask() itself can only be read by changing it, for all threads.
  // The bytes of a file that replaces a private one are never readable for others.
  const mode_t mode = old_mode == kNone ? 0666 : 0600;
  do {
    std::uint64_t random;  // not std::random_device, which needs glibc 2.36 where libstdc++ is static
    if (::getentropy(&random, sizeof random) != 0) fail("cannot write", path, errno);
    const std::string name = ".fastnn-" + std::to_string(random) + ".tmp";
    temporary_ = (directory_of(target_) / name).native();
    descriptor_ = retried([&] { return ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode); });
  } while (descriptor_ < 0 && errno == EEXIST);
  if (descriptor_ < 0) fail("cannot write", path, errno);
  if (old_mode != kNone && ::fchmod(descriptor_, old_mode) != 0) {
    const int error = errno;
    abandon();
    fail("cannot write", path, error);
  }
}

void OutputFile::write(Bytes piece) {
  while (piece.size > 0) {
    const ssize_t put = retried([&] { return ::write(descriptor_, piece.data, std::min(piece.size, kMostAtOnce)); });
    if (put <= 0) fail("cannot write", path_, put < 0 ? errno : EIO);
    piece.data += put;
    piece.size -= static_cast<std::size_t>(put);
  }
}

void OutputFile::rewind() {
  if (::lseek(descriptor_, 0, SEEK_SET) != 0) fail("cannot write", path_, errno);
}

void OutputFile::commit() {
  // Some network and FUSE file systems have no fsync and say EINVAL; the rename is still atomic there.
  if (retried([&] { return ::fsync(descriptor_); }) != 0 && errno != EINVAL) fail("cannot write", path_, errno);
  // close() is never repeated, not even if interrupted: another file may have the number by then.
  if (::close(std::exchange(descriptor_, -1)) != 0 && errno != EINTR) fail("cannot write", path_, errno);
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) fail("cannot write", path_, errno);
  temporary_.clear();
  sync_directory(directory_of(target_));
}

void OutputFile::abandon() noexcept {
  if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
  temporary_.clear();
}

}  // namespace fastnn::io
