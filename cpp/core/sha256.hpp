// SHA-256 (FIPS 180-4), for fingerprints: the standard library has no hash that is the same everywhere.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace fastnn {

class Sha256 {
 public:
  void add(const void* data, std::size_t size);

  // The digest of all that was added, as 64 hexadecimal digits; nothing can be added any more.
  std::string hex();

 private:
  static constexpr std::size_t kBlock = 64;
  void add_block(const unsigned char* block);

  std::array<std::uint32_t, 8> state_ = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                         0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<unsigned char, kBlock> rest_{};  // what does not fill a block yet
  std::uint64_t size_ = 0;                    // of all that was added, in bytes
};

}  // namespace fastnn
