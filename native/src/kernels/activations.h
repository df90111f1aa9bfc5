// How one column of quantised activations lies in memory. Private to the room; every ISA reads and writes these
// records.
//
// Sums are stored beside the bytes because every unpacked weight is unsigned: w = scale * (u - offset) + min costs one
// `neg_sum << log2(offset)` (an integer, exact) and one `min * sum` per block instead of work per weight.
// A record is a whole number of cache lines.
#pragma once

#include <cstddef>
#include <cstdint>

#include "quant/blocks.h"

namespace zell::kernels {

/// ActivationFormat::kQ8. x[i] ≈ scale * q[i]; q in [-127, 127].
struct Q8Record {
  int8_t q[32];
  float scale;           ///< max |x| / 127; 0 for a block of (almost) zeros, NaN when an x is not finite
  float scaled_sum;      ///< scale * sum q
  int32_t neg_sum;       ///< -sum q
  int32_t neg_sum16[2];  ///< -sum of each 16
  int32_t reserved[3];   ///< 0; fills the cache line, as a tile load of q that crosses lines takes six times as long
};

/// ActivationFormat::kQ8K. One scale for 256 values. The sums are negative multiples, each the largest power of two
/// that 16 bits hold (127 * 8 * 32 < 2^15): as starting values they make a sum of products with unsigned weights that
/// with weights centred at zero, and then 16 bits hold it too.
struct Q8KRecord {
  int8_t q[256];
  int16_t eights[32];    ///< -32 * sum of each 8
  int16_t sixteens[16];  ///< -16 * sum of each 16
  int16_t sum32[8];      ///< -8 * sum of each 32, in the order of PairOrder
  int16_t sum16[16];     ///< -4 * sum of each 16, in the order of PairOrder
  float scale;
  int32_t reserved[11];  ///< 0
};

/// Where the sum of group g lies: 0 2 1 3 of each four, which is how 16-bit pairs come out of four scales of a byte
/// each.
constexpr int PairOrder(int g) { return (g & ~3) | (g & 1) << 1 | (g >> 1 & 1); }

static_assert(sizeof(Q8Record) == 64 && sizeof(Q8KRecord) == 448);

/// Blocks whose largest |x| is below this are zeros: 127 / max would overflow.
constexpr float kSmallestMax = 0x1p-100f;

}  // namespace zell::kernels
