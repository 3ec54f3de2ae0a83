// What fastnn reads at most. Every limit keeps a hostile file within 2 x its size + 64 MiB of memory; none is near what
// a real network needs.
#pragma once

#include <cstddef>
#include <cstdint>

namespace fastnn::io {

// The format allows 100,000,000 bytes; a model of kMaxLayers Dense layers needs 2 MiB (500 bytes a layer: its config,
// quoted once more inside __metadata__, and two tensor entries).
inline constexpr std::uint64_t kMaxHeaderBytes = 4 << 20;

// A sparse file may claim 8 EiB and hold nothing; no machine fastnn runs on holds a network of 1 TiB.
inline constexpr std::uint64_t kMaxFileBytes = std::uint64_t{1} << 40;

inline constexpr std::size_t kMaxLayers = 4096;
inline constexpr std::size_t kMaxTensors = 2 * kMaxLayers;  // 2 a layer; a BatchNormalization has up to 4

// Keys and values of one JSON text. The most tensors that are read make 12 each and the most layers 33 each, less than
// 140,000; 180,000 took at most 39 MiB (test_hostile_header_stays_within_memory_and_time, glibc, x86-64).
inline constexpr std::size_t kMaxJsonItems = 180'000;

// config > layers > layer > keras > its config > initializer > its config
inline constexpr std::size_t kMaxJsonDepth = 7;

// Of inputs and units; _LARGEST_SIZE in python/fastnn.
inline constexpr std::uint64_t kMaxSize = (std::uint64_t{1} << 31) - 1;

inline constexpr std::size_t kMaxNameBytes = 1024;
inline constexpr std::size_t kMaxRank = 8;

}  // namespace fastnn::io
