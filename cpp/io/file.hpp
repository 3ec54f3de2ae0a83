// The only two ways fastnn touches a user's file: read a regular one through one descriptor, replace one atomically.
// What the system says is std::filesystem::filesystem_error with the path and the error number.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace fastnn::io {

// A regular file, open for reading from its beginning. Directories, FIFOs, sockets and devices are refused at once,
// without waiting for a writer. Not mapped: a mapped file that shrinks would end the process with SIGBUS.
class InputFile {
 public:
  explicit InputFile(const std::string& path);
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  const std::string& name() const noexcept { return name_; }  // the path, as messages show it
  std::uint64_t size() const noexcept { return size_; }       // when it was opened

  // The first bytes, at most `bytes`; the position stays.
  std::string beginning(std::size_t bytes) const;

  // The next `bytes` bytes; throws ModelFormatError when the file has shrunk below them.
  void read(char* to, std::size_t bytes);

  // Throws ModelFormatError unless every byte has been read and the file has not grown.
  void expect_end();

 private:
  std::string path_;
  std::string name_;
  int descriptor_;
  std::uint64_t size_;
};

struct Bytes {
  const char* data;
  std::size_t size;
};

// Writes the pieces, one after the other, to a new file in the same directory, and renames it to `path` when all is on
// the disk. On failure the new file is removed and the old one is as it was. The old file's permission bits are kept;
// a symbolic link stays and what it points to is replaced.
void write_file(const std::string& path, const std::vector<Bytes>& pieces);

}  // namespace fastnn::io
