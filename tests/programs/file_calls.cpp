// Preloaded into a program: appends a line to the file FILE_CALLS for each call that opens, changes or renames a file.
// The call named by FAILING_CALL fails with the errno FAILING_ERRNO.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

template <class Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

void log(const char* call, const char* path, const char* detail = "") {
  const char* log_path = std::getenv("FILE_CALLS");
  if (log_path == nullptr) return;
  char line[9000];
  const int size = std::snprintf(line, sizeof line, "%s %s%s\n", call, path, detail);
  const long descriptor = syscall(SYS_openat, AT_FDCWD, log_path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (size < 0 || descriptor < 0 || ::write(static_cast<int>(descriptor), line, static_cast<std::size_t>(size)) < 0)
    std::abort();
  ::close(static_cast<int>(descriptor));
}

// With the file's name, and its size or permissions before the call.
void log(const char* call, int descriptor, bool size) {
  char link[64], path[4096], detail[64];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  const ssize_t length = ::readlink(link, path, sizeof path - 1);
  path[length < 0 ? 0 : length] = 0;
  struct stat status{};
  ::fstat(descriptor, &status);
  if (S_ISDIR(status.st_mode)) {
    std::snprintf(detail, sizeof detail, " directory");
  } else if (size) {
    std::snprintf(detail, sizeof detail, " of %ld bytes", static_cast<long>(status.st_size));
  } else {
    std::snprintf(detail, sizeof detail, " was %o", status.st_mode & 0777u);
  }
  log(call, path, detail);
}

bool fails(const char* call) {
  const char* name = std::getenv("FAILING_CALL");
  if (name == nullptr || std::strcmp(name, call) != 0) return false;
  errno = std::atoi(std::getenv("FAILING_ERRNO"));
  return true;
}

int open_with(const char* name, const char* path, int flags, mode_t mode) {
  log("open", path);
  return next<int(const char*, int, ...)>(name)(path, flags, mode);
}

}  // namespace

#define OPEN(name)                                                              \
  extern "C" int name(const char* path, int flags, ...) {                       \
    va_list arguments;                                                          \
    va_start(arguments, flags);                                                 \
    const mode_t mode = (flags & O_CREAT) == 0 ? 0 : va_arg(arguments, mode_t); \
    va_end(arguments);                                                          \
    return open_with(#name, path, flags, mode);                                 \
  }
OPEN(open)
OPEN(open64)
extern "C" int __open_2(const char* path, int flags) { return open_with("open", path, flags, 0); }
extern "C" int __open64_2(const char* path, int flags) { return open_with("open64", path, flags, 0); }

extern "C" int fsync(int descriptor) {
  log("fsync", descriptor, true);
  return fails("fsync") ? -1 : next<int(int)>("fsync")(descriptor);
}

extern "C" int fchmod(int descriptor, mode_t mode) {
  log("fchmod", descriptor, false);
  return fails("fchmod") ? -1 : next<int(int, mode_t)>("fchmod")(descriptor, mode);
}

extern "C" int rename(const char* from, const char* to) noexcept {
  log("rename", to);
  return fails("rename") ? -1 : next<int(const char*, const char*)>("rename")(from, to);
}
