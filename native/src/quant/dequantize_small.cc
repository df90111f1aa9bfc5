// The scalar definitions of the formats with fewer than four bits that need no codebook, and of those with 4-bit
// tables.
#include "quant/codebooks.h"
#include "quant/dequantize_block.h"

namespace zell::quant {
namespace {

/// Digit `n` (times 3^n) of a byte of TQ1_0.
int Ternary(uint8_t byte, int power) { return static_cast<uint8_t>(byte * power) * 3 >> 8; }

/// Digits 0 … digits - 1 of `count` bytes, one digit of all bytes after the other.
float* DequantizeTernary(const uint8_t* q, int count, int digits, float d, float* y) {
  for (int n = 0, power = 1; n < digits; ++n, power *= 3) {
    for (int i = 0; i < count; ++i) *y++ = static_cast<float>(Ternary(q[i], power) - 1) * d;
  }
  return y;
}

void DequantizeNibbles(const uint8_t* q, int count, const int8_t* values, float d, float* y) {
  for (int i = 0; i < count; ++i) {
    y[i] = d * static_cast<float>(values[q[i] & 15]);
    y[i + count] = d * static_cast<float>(values[q[i] >> 4]);
  }
}

}  // namespace

void DequantizeBlock(const BlockQ1_0& b, float* y) {
  const float d = F16ToF32(b.scale_f16);
  for (int i = 0; i < 128; ++i) y[i] = (b.q[i / 8] >> (i % 8) & 1) != 0 ? d : -d;
}

void DequantizeBlock(const BlockQ2_0& b, float* y) {
  const float d = F16ToF32(b.scale_f16);
  for (int i = 0; i < 64; ++i) y[i] = static_cast<float>((b.q[i / 4] >> (i % 4 * 2) & 3) - 1) * d;
}

void DequantizeBlock(const BlockTQ1_0& b, float* y) {
  const float d = F16ToF32(b.scale_f16);
  y = DequantizeTernary(b.q, 32, 5, d, y);
  y = DequantizeTernary(b.q + 32, 16, 5, d, y);
  DequantizeTernary(b.last, 4, 4, d, y);
}

void DequantizeBlock(const BlockTQ2_0& b, float* y) {
  const float d = F16ToF32(b.scale_f16);
  for (int i = 0; i < 256; ++i) {
    y[i] = static_cast<float>((b.q[i / 128 * 32 + i % 32] >> (i % 128 / 32 * 2) & 3) - 1) * d;
  }
}

void DequantizeBlock(const BlockIQ4_NL& b, float* y) {
  DequantizeNibbles(b.q, 16, kIQ4Values, F16ToF32(b.scale_f16), y);
}

void DequantizeBlock(const BlockIQ4_XS& b, float* y) {
  const float d = F16ToF32(b.scale_f16);
  for (int group = 0; group < 8; ++group) {
    const int low = b.scales_low[group / 2] >> (group % 2 * 4) & 15, high = b.scales_high >> (group * 2) & 3;
    DequantizeNibbles(b.q + group * 16, 16, kIQ4Values, d * static_cast<float>((low | high << 4) - 32), y + group * 32);
  }
}

void DequantizeBlock(const BlockMXFP4& b, float* y) { DequantizeNibbles(b.q, 16, kFp4Values, MxScale(b.exponent), y); }

void DequantizeBlock(const BlockNVFP4& b, float* y) {
  for (int group = 0; group < 4; ++group) {
    DequantizeNibbles(b.q + group * 8, 8, kFp4Values, NvScale(b.scales[group]), y + group * 16);
  }
}

}  // namespace zell::quant
