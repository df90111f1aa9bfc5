// Quantisers of the K formats: one super-block of 256 weights each. Private to the room.
#pragma once

#include "quant/blocks.h"

namespace zell::quant {

void QuantizeBlock(const float* x, BlockQ2_K* block);
void QuantizeBlock(const float* x, BlockQ3_K* block);
void QuantizeBlock(const float* x, BlockQ4_K* block);
void QuantizeBlock(const float* x, BlockQ5_K* block);
void QuantizeBlock(const float* x, BlockQ6_K* block);

}  // namespace zell::quant
