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

/// ActivationFormat::kQ8K. One scale for 256 values; sums are of q, unscaled, and exact in f32.
struct Q8KRecord {
  int8_t q[256];
  int32_t neg_sum16[16];  ///< -sum of each 16
  float sum16[16];
  float sum32[8];
  float scale;
  float reserved[7];  ///< 0
};

static_assert(sizeof(Q8Record) == 64 && sizeof(Q8KRecord) == 448);

/// Blocks whose largest |x| is below this are zeros: 127 / max would overflow.
constexpr float kSmallestMax = 0x1p-100f;

}  // namespace zell::kernels
