// How fastnn reads and writes users' files: it reads regular files through one descriptor, and replaces files
// atomically. System errors are FileErrors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

namespace fastnn::io {

struct Bytes {
  const char* data;
  std::size_t size;
};

// Owns an open file's number and closes it.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(other.release()) {}
  ~Descriptor();

  int number() const noexcept { return number_; }
  int release() noexcept { return std::exchange(number_, -1); }

 private:
  int number_;
};

enum class Kind { regular_file, regular_file_or_fifo };

// Opens a file to read it. Refuses other kinds of file (directories, sockets, devices) at once. Opening a FIFO waits
// for its writer, and a signal ends the waiting with the FileError EINTR.
Descriptor open_to_read(const std::string& path, Kind kind = Kind::regular_file);

// Bytes that are read from beginning to end: a file's, or some in memory.
class Input {
 public:
  Input(std::string name, std::uint64_t size) : name_(std::move(name)), size_(size) {}
  virtual ~Input() = default;
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;

  const std::string& name() const noexcept { return name_; }  // as messages show it
  std::uint64_t size() const noexcept { return size_; }       // when it was opened

  // Returns the first bytes, at most `bytes`; the position stays.
  std::string beginning(std::size_t bytes) const;

  // Reads the next `bytes` bytes. Throws ModelFormatError if the file has become shorter.
  void read(char* to, std::size_t bytes);

  // Leaves out the next `bytes` bytes. Throws as read().
  void skip(std::uint64_t bytes);

  // Throws ModelFormatError unless every byte has been read and the file has not grown.
  void expect_end() const;

 private:
  // Reads at most `bytes` bytes at `offset`; returns 0 at the end.
  virtual std::size_t read_some(std::uint64_t offset, char* to, std::size_t bytes) const = 0;

  std::string name_;
  std::uint64_t size_;
  std::uint64_t position_ = 0;
};

// An open file, from its first byte on; it stays open and keeps its position. Not mapped: if a mapped file shrinks,
// SIGBUS ends the process.
class InputFile : public Input {
 public:
  InputFile(int descriptor, const std::string& path);  // the path is for messages

 private:
  std::size_t read_some(std::uint64_t offset, char* to, std::size_t bytes) const override;

  std::string path_;
  int descriptor_;
};

class InputBytes : public Input {
 public:
  InputBytes(std::string name, Bytes bytes) : Input(std::move(name), bytes.size), bytes_(bytes) {}

 private:
  std::size_t read_some(std::uint64_t offset, char* to, std::size_t bytes) const override;

  Bytes bytes_;
};

// A new file that appears under `path` whole or not at all. It is a temporary file in the same directory until commit()
// renames it. The permissions of an old file are kept; a symbolic link stays, and the file it points to is replaced.
// A path of any other kind of file is refused.
class OutputFile {
 public:
  explicit OutputFile(const std::string& path);
  ~OutputFile() { abandon(); }
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  void write(Bytes piece);

  // The next piece overwrites the first bytes.
  void rewind();

  // Puts all on the disk, then renames. If this throws, the old file is as it was.
  void commit();

  // Removes the temporary file unless it was committed. Like after commit(), writing is then the FileError EBADF.
  void abandon() noexcept;

 private:
  std::string path_;  // as the caller spelled it, for messages
  std::string target_;
  std::string temporary_;  // empty after commit() or abandon()
  int descriptor_ = -1;
};

}  // namespace fastnn::io
