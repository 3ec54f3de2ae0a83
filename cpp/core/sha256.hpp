// SHA-256 (FIPS 180-4), for fingerprints. std::hash will not do: its values differ between standard libraries.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace fastnn {

class Sha256 {
 public:
  void add(const void* data, std::size_t size);

  // Returns the digest of all added bytes as 64 hexadecimal digits. Call it once, and add nothing afterwards.
  std::string hex();

 private:
  static constexpr std::size_t kBlock = 64;
  void add_block(const unsigned char* block);

  std::array<std::uint32_t, 8> state_ = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                         0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<unsigned char, kBlock> rest_{};  // the start of the next block
  std::uint64_t size_ = 0;                    // bytes added so far
};

}  // namespace fastnn
