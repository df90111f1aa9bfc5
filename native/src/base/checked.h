// Checked arithmetic on u64: for every number that comes from a file.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>

namespace zell::base {

/// a + b, nullopt on overflow.
constexpr std::optional<uint64_t> CheckedAdd(uint64_t a, uint64_t b) {
  if (a > std::numeric_limits<uint64_t>::max() - b) return std::nullopt;
  return a + b;
}

/// a * b, nullopt on overflow.
constexpr std::optional<uint64_t> CheckedMul(uint64_t a, uint64_t b) {
  if (b != 0 && a > std::numeric_limits<uint64_t>::max() / b) return std::nullopt;
  return a * b;
}

constexpr bool IsPowerOfTwo(uint64_t n) { return n != 0 && (n & (n - 1)) == 0; }

/// The smallest multiple of `alignment` (a power of two) that is not below `n`; nullopt on overflow.
constexpr std::optional<uint64_t> CheckedAlignUp(uint64_t n, uint64_t alignment) {
  const std::optional<uint64_t> sum = CheckedAdd(n, alignment - 1);
  if (!sum) return std::nullopt;
  return *sum & ~(alignment - 1);
}

/// Whether the `length` bytes at `offset` lie within `size`.
constexpr bool FitsWithin(uint64_t offset, uint64_t length, uint64_t size) {
  return offset <= size && length <= size - offset;
}

}  // namespace zell::base
