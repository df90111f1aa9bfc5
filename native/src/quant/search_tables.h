// Searching quantisers of the formats with 4-bit tables and of the ternary ones. Private to the room.
#pragma once

#include "quant/blocks.h"

namespace zell::quant {

// x, weight: one block; weight[i] ≥ 0 is how much the squared error of x[i] counts. `block` is all zeros before.
void SearchBlock(const float* x, const float* weight, BlockIQ4_NL* block);
void SearchBlock(const float* x, const float* weight, BlockIQ4_XS* block);
void SearchBlock(const float* x, const float* weight, BlockMXFP4* block);
void SearchBlock(const float* x, const float* weight, BlockTQ1_0* block);
void SearchBlock(const float* x, const float* weight, BlockTQ2_0* block);

}  // namespace zell::quant
