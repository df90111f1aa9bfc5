// Quantisers of the ternary formats, of those with 4-bit tables, and of Q8_1 and Q8_K. Private to the room.
#pragma once

#include "quant/blocks.h"

namespace zell::quant {

void QuantizeBlock(const float* x, BlockQ8_1* block);
void QuantizeBlock(const float* x, BlockQ8_K* block);
void QuantizeBlock(const float* x, BlockQ1_0* block);
void QuantizeBlock(const float* x, BlockQ2_0* block);
void QuantizeBlock(const float* x, BlockTQ1_0* block);
void QuantizeBlock(const float* x, BlockTQ2_0* block);
void QuantizeBlock(const float* x, BlockIQ4_NL* block);
void QuantizeBlock(const float* x, BlockIQ4_XS* block);
void QuantizeBlock(const float* x, BlockMXFP4* block);
void QuantizeBlock(const float* x, BlockNVFP4* block);

}  // namespace zell::quant
