// The scalar definitions of the formats with codebooks and of the ternary ones. Private to the room.
#pragma once

#include "quant/blocks.h"

namespace zell::quant {

void DequantizeBlock(const BlockQ1_0& b, float* y);
void DequantizeBlock(const BlockQ2_0& b, float* y);
void DequantizeBlock(const BlockTQ1_0& b, float* y);
void DequantizeBlock(const BlockTQ2_0& b, float* y);
void DequantizeBlock(const BlockIQ4_NL& b, float* y);
void DequantizeBlock(const BlockIQ4_XS& b, float* y);
void DequantizeBlock(const BlockMXFP4& b, float* y);
void DequantizeBlock(const BlockNVFP4& b, float* y);
void DequantizeBlock(const BlockIQ1_S& b, float* y);
void DequantizeBlock(const BlockIQ1_M& b, float* y);
void DequantizeBlock(const BlockIQ2_XXS& b, float* y);
void DequantizeBlock(const BlockIQ2_XS& b, float* y);
void DequantizeBlock(const BlockIQ2_S& b, float* y);
void DequantizeBlock(const BlockIQ3_XXS& b, float* y);
void DequantizeBlock(const BlockIQ3_S& b, float* y);

}  // namespace zell::quant
