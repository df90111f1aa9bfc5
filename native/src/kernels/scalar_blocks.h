// One block of any quantised type as small unsigned integers with a scale and a min per group: the form in which every
// ISA multiplies. Private to the room; the plain C++ reading that the vector unpackers must equal.
#pragma once

#include <cstdint>

#include "quant/blocks.h"

namespace zell::kernels {

/// Blocks of up to 128 weights: w[i] = scale[g] * (u[i] - offset) + min[g], g = i / group.
/// Super-blocks of 256: w[i] = d * steps[g] * (u[i] - offset) - m * min_steps[g].
struct UnpackedBlock {
  uint8_t u[quant::kSuperBlock];
  float scale[8];
  float min[8];  ///< unspecified unless has_min
  float d, m;
  int16_t steps[16];
  int16_t min_steps[16];  ///< unspecified unless has_min
};

/// What a quantised type unpacks to; the same for all its blocks.
struct BlockShape {
  int weights;  ///< 32, 64, 128 or 256
  int group;    ///< 16 or 32 weights that share a scale
  int offset;   ///< a power of two, or 0
  bool has_min;
};

BlockShape ShapeOf(quant::TensorType type);
/// Quantised types only.
void UnpackBlock(quant::TensorType type, const uint8_t* block, UnpackedBlock& out);
/// The part of it for ternary formats and those with codebooks (scalar_codebooks.cc).
void UnpackCodebookBlock(quant::TensorType type, const uint8_t* block, UnpackedBlock& out);

}  // namespace zell::kernels
