// The only two ways fastnn touches a user's file: read a regular one through one descriptor, replace one atomically.
// What the system says is a FileError. A file's bytes that are in memory already read like the file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace fastnn::io {

struct Bytes {
  const char* data;
  std::size_t size;
};

// What is read from its beginning to its end.
class Input {
 public:
  explicit Input(std::string name) : name_(std::move(name)) {}
  virtual ~Input() = default;
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;

  const std::string& name() const noexcept { return name_; }  // as messages show it
  std::uint64_t size() const noexcept { return size_; }       // when it was opened

  // The first bytes, at most `bytes`; the position stays.
  virtual std::string beginning(std::size_t bytes) const = 0;

  // The next `bytes` bytes; throws ModelFormatError when the file has shrunk below them.
  virtual void read(char* to, std::size_t bytes) = 0;

  // Throws ModelFormatError unless every byte has been read and the file has not grown.
  virtual void expect_end() = 0;

 protected:
  std::uint64_t size_ = 0;

 private:
  std::string name_;
};

// A regular file. Directories, FIFOs, sockets and devices are refused at once, without waiting for a writer. Not
// mapped: a mapped file that shrinks would end the process with SIGBUS.
class InputFile : public Input {
 public:
  explicit InputFile(const std::string& path);
  ~InputFile() override;
  std::string beginning(std::size_t bytes) const override;
  void read(char* to, std::size_t bytes) override;
  void expect_end() override;

 private:
  std::string path_;
  int descriptor_;
};

class InputBytes : public Input {
 public:
  InputBytes(std::string name, Bytes bytes);
  std::string beginning(std::size_t bytes) const override;
  void read(char* to, std::size_t bytes) override;
  void expect_end() override;

 private:
  Bytes left_;
};

// Writes the pieces, one after the other, to a new file in the same directory, and renames it to `path` when all is on
// the disk. On failure the new file is removed and the old one is as it was. The old file's permission bits are kept;
// a symbolic link stays and what it points to is replaced.
void write_file(const std::string& path, const std::vector<Bytes>& pieces);

}  // namespace fastnn::io
