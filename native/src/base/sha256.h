// SHA-256 (FIPS 180-4).
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>

namespace zell::base {

/// Feed with Update, then call Finish once. Not thread-safe.
class Sha256 {
 public:
  using Digest = std::array<uint8_t, 32>;

  void Update(std::span<const uint8_t> bytes);
  /// A number as 8 little-endian bytes: for lengths in front of variable parts.
  void UpdateU64(uint64_t number);
  Digest Finish();

 private:
  void Compress(const uint8_t* block);

  std::array<uint32_t, 8> state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<uint8_t, 64> pending_{};
  size_t n_pending_ = 0;
  uint64_t n_bytes_ = 0;
};

/// Lower-case hexadecimal digits.
std::string ToHex(std::span<const uint8_t> bytes);

}  // namespace zell::base
