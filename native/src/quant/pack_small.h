// How blocks of small integers, of table indices and of ternary digits are written once their scales are known: every
// weight is rounded to what the stored scale really means. Shared by both quantisers. Private to the room.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "quant/blocks.h"

namespace zell::quant {

/// Integer i in [0, 32) of 4 or 5 bits as the Q4 and Q5 formats keep them; `high` is null for 4 bits. The bytes are
/// zero before.
void PutSmall(uint8_t* q, uint8_t* high, size_t i, int value);

/// The nearest of 16 `values` for each of n ≤ 32 numbers x * inverse; of equally near ones the first in ascending order
/// of values.
struct Table {
  explicit Table(const int8_t (&values)[16]);
  /// `nearest` (its values) and `index` may each be null.
  void Round(const float* x, size_t n, float inverse, float* nearest, uint8_t* index) const;

  float ascending[16];  ///< the values in order
  float middles[15];    ///< between neighbours
  uint8_t number[16];   ///< of each in the table
};
const Table& IQ4Table();
const Table& Fp4Table();

/// n ≤ 32 nibbles: byte i gets those of weights i and i + n / 2.
void PackNibbles(const float* x, size_t n, const Table& table, float scale, uint8_t* q);

// `block` is all zeros before.

/// `small`: [8] scales of groups in [-32, 31].
void Pack(const float* x, uint16_t scale_f16, const int* small, BlockIQ4_XS* block);
/// -1, 0 and 1 times the scale.
void Pack(const float* x, uint16_t scale_f16, BlockTQ1_0* block);
void Pack(const float* x, uint16_t scale_f16, BlockTQ2_0* block);

}  // namespace zell::quant
