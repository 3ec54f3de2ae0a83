// See safetensors.hpp: 8 bytes with the header's length, the header, the data.
#include "safetensors.hpp"

#include <cstddef>
#include <cstdint>

#include "fastnn/error.hpp"
#include "format.hpp"
#include "header.hpp"
#include "limits.hpp"
#include "text.hpp"

static_assert(sizeof(std::size_t) == 8, "sizes in the header have 64 bits");
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "safetensors data is little-endian and used as it is");

namespace fastnn::io {
namespace {

constexpr std::size_t kLengthBytes = 8;

std::string encode_length(std::uint64_t length) {
  std::string bytes;
  for (std::size_t i = 0; i < kLengthBytes; ++i) bytes += static_cast<char>(length >> (8 * i) & 0xff);
  return bytes;
}

std::uint64_t decode_length(const std::string& bytes) {
  std::uint64_t length = 0;
  for (std::size_t i = kLengthBytes; i-- > 0;) length = length << 8 | static_cast<unsigned char>(bytes[i]);
  return length;
}

void check_length(std::uint64_t length, std::uint64_t file_size, const std::string& name) {
  if (length > kMaxHeaderBytes) {
    throw LimitError(name + ": the header is " + std::to_string(length) + " bytes long; fastnn reads at most " +
                     std::to_string(kMaxHeaderBytes));
  }
  if (length > file_size - kLengthBytes) {
    throw ModelFormatError(name + ": the header is " + std::to_string(length) + " bytes long, but only " +
                           std::to_string(file_size - kLengthBytes) + " bytes follow its length");
  }
}

// The header's text; the position is then at the data.
std::string header_of(Input& file) {
  const std::string beginning = file.beginning(kBeginningBytes);
  refuse_foreign(beginning, file.name());
  if (file.size() < kLengthBytes) {
    throw ModelFormatError(file.name() + ": is " + std::to_string(file.size()) +
                           " bytes long; expected a safetensors file, which has at least 8");
  }
  if (file.size() > kMaxFileBytes) {
    throw LimitError(file.name() + ": is " + std::to_string(file.size()) + " bytes long; fastnn reads at most " +
                     std::to_string(kMaxFileBytes));
  }
  std::string text(kLengthBytes, '\0');
  file.read(text.data(), text.size());
  const std::uint64_t length = decode_length(text);
  check_length(length, file.size(), file.name());
  text.resize(static_cast<std::size_t>(length));
  file.read(text.data(), text.size());
  return text;
}

}  // namespace

Header read_header(Input& input, Contents contents) {
  const std::string text = header_of(input);
  return parse_header(text, input.size() - kLengthBytes - text.size(), input.name(), contents);
}

void read_data(Input& input, const Header& header, const std::vector<char*>& data) {
  for (std::size_t i = 0; i < data.size(); ++i)
    input.read(data[i], static_cast<std::size_t>(data_bytes(header.tensors.at(i), input.name())));
  input.expect_end();
}

void write_safetensors(const std::string& path, const Header& header, const std::vector<const char*>& data) {
  const std::string name = escaped(path);
  const std::string text = header_text(header, name);
  const std::string length = encode_length(text.size());
  std::vector<Bytes> pieces = {{length.data(), length.size()}, {text.data(), text.size()}};
  std::uint64_t data_size = 0;
  for (std::size_t i = 0; i < data.size(); ++i) {
    const std::uint64_t bytes = data_bytes(header.tensors.at(i), name);
    pieces.push_back({data[i], static_cast<std::size_t>(bytes)});
    data_size += bytes;
  }
  const std::uint64_t file_size = kLengthBytes + text.size() + data_size;
  check_length(text.size(), file_size, name);
  parse_header(text, data_size, name, Contents::model);
  OutputFile file(path);
  for (const Bytes& piece : pieces) file.write(piece);
  file.commit();
}

}  // namespace fastnn::io
