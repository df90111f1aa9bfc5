// What the attention kernels work on: one block of keys and values of one KV head, and the queries that meet it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/kv_type.h"

namespace zell::kernels {

/// Tokens of a KV block.
constexpr size_t kAttendTokens = 32;
/// Running sums per column: lane i sums the probabilities of tokens i and i + 16 of every block.
constexpr size_t kAttendLanes = 16;

/// The tokens of the block that a column sees: [first, end); none when they are equal.
struct SeenTokens {
  uint32_t first;
  uint32_t end;
};

/// A column is one query of one head. Per column and block: scores; the running maximum; probabilities relative to it;
/// `acc` and `sums` scaled down when the maximum grew, then added to, tokens in order. Columns never meet, so their
/// number changes no bit.
///
/// The functions for fewer bits read bytes [groups, b / 4, kAttendTokens, 4] as keys and [kAttendTokens, groups, b] as
/// values, b being KvGroupBytes, each followed by its f16 scales [groups, kAttendTokens]. Of 4 bits, byte i of a group
/// has number i in its low half and number i + 16 in its high one. Queries are ActivationFormat::kQ8 columns, filled up
/// with zeros as the last group is.
struct AttendArgs {
  size_t cols;
  const float* queries;    ///< [cols, query_stride], each made by `attend_query`
  size_t query_stride;     ///< at least key_dim rounded up to 32
  const uint16_t* keys;    ///< f16 [key_dim, kAttendTokens]: a key is a column
  const uint16_t* values;  ///< f16 [kAttendTokens, value_dim]; all keys and values are finite
  size_t key_dim;
  size_t value_dim;
  float* scores;           ///< [cols, kAttendTokens]: from attend_scores to `values`, which overwrites them
  const SeenTokens* seen;  ///< [cols]
  float* max;              ///< [cols]; -infinity before the first block
  float* sums;             ///< [cols, kAttendLanes]; 0 before the first block
  float* acc;              ///< [cols, acc_stride]; 0 before the first block
  size_t acc_stride;       ///< at least value_dim rounded up to 16, for fewer bits to 32
  /// The f16 keys that the caller's next block has; null: none, or not known.
  const uint16_t* next_keys = nullptr;
};

/// What attention needs of one way to keep keys and values.
struct KvKernels {
  /// x, finite and below 2^22: `groups` groups to bytes [groups, KvGroupBytes] and the f16 scale of each. Null for f16.
  void (*quantize)(const float* x, uint8_t* bytes, uint16_t* scales, size_t groups);
  /// args.scores = queries times keys.
  void (*scores)(const AttendArgs& args);
  /// args.scores to probabilities, and these times the values added to args.acc.
  void (*values)(const AttendArgs& args);
};

}  // namespace zell::kernels
