// See file.hpp: writing. Temporary file beside the destination, fsync, rename, fsync of the directory; in this order a
// crash at any moment leaves either the old file or the new one under the name.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <random>

#include "file.hpp"
#include "text.hpp"

namespace fastnn::io {
namespace {

namespace fs = std::filesystem;

constexpr mode_t kPermissionBits = 0777;

[[noreturn]] void fail(const char* what, const fs::path& path, int error) {
  throw fs::filesystem_error(what, path, std::error_code(error, std::generic_category()));
}

// Where the bytes go: `path`, or what it points to, also when that does not exist yet.
fs::path resolve_links(const fs::path& path) {
  constexpr int kMostLinks = 40;  // as Linux
  fs::path target = path;
  for (int i = 0; i < kMostLinks; ++i) {
    std::error_code error;
    if (!fs::is_symlink(fs::symlink_status(target, error))) return target;
    target = target.parent_path() / fs::read_symlink(target);
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
  if (!S_ISREG(status.st_mode)) fail("cannot write: not a regular file", target, EINVAL);
  return status.st_mode & kPermissionBits;
}

// A new file beside the destination; removed unless it has been moved there.
class TemporaryFile {
 public:
  TemporaryFile(const fs::path& directory, mode_t mode) {
    do {
      path_ = directory / (".fastnn-" + std::to_string(random_()) + std::to_string(random_()) + ".tmp");
      descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    } while (descriptor_ < 0 && (errno == EEXIST || errno == EINTR));
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
    constexpr std::size_t kMostAtOnce = std::size_t{1} << 30;  // macOS refuses more than 2 GiB in one call
    while (piece.size > 0) {
      const ssize_t put = ::write(descriptor_, piece.data, std::min(piece.size, kMostAtOnce));
      if (put < 0 && errno != EINTR) return errno;
      if (put == 0) return EIO;
      if (put < 0) continue;
      piece.data += put;
      piece.size -= static_cast<std::size_t>(put);
    }
    return 0;
  }

  // Some network and FUSE file systems have no fsync and say EINVAL; the rename is still atomic there.
  int finish() {
    int synced;
    do {
      synced = ::fsync(descriptor_);
    } while (synced != 0 && errno == EINTR);
    if (synced != 0 && errno != EINVAL) return errno;
    const int closed = ::close(descriptor_);
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
  const int descriptor = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  (void)::fsync(descriptor);
  ::close(descriptor);
}

}  // namespace

void write_file(const std::string& path, const std::vector<Bytes>& pieces) {
  if (path.find('\0') != std::string::npos) throw std::invalid_argument("path has a NUL byte: " + shown(path));
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
