// Plain C++ unpacking of every quantised block.
#include "kernels/scalar_blocks.h"

#include <algorithm>
#include <cstring>

namespace zell::kernels {
namespace {

using quant::F16ToF32;
using quant::TensorType;

uint16_t Half(const uint8_t* p) { return static_cast<uint16_t>(p[0] | p[1] << 8); }

void Nibbles(const uint8_t* q, uint8_t* u) {
  for (int i = 0; i < 16; ++i) {
    u[i] = q[i] & 15;
    u[i + 16] = q[i] >> 4;
  }
}

void FifthBits(const uint8_t* high, uint8_t* u) {
  for (int i = 0; i < 32; ++i) u[i] = static_cast<uint8_t>(u[i] | (high[i / 8] >> (i % 8) & 1) << 4);
}

/// The 6-bit scale and min of group g in the 12 bytes of Q4_K and Q5_K.
void ScaleAndMin(const uint8_t* s, int g, int& scale, int& min) {
  scale = g < 4 ? s[g] & 63 : (s[g + 4] & 15) | (s[g - 4] >> 6) << 4;
  min = g < 4 ? s[g + 4] & 63 : s[g + 4] >> 4 | (s[g] >> 6) << 4;
}

void UnpackQ4K(const uint8_t* scales, const uint8_t* q, const uint8_t* high, UnpackedBlock& out) {
  for (int g = 0; g < 8; ++g) {
    int scale, min;
    ScaleAndMin(scales, g, scale, min);
    out.steps[g] = static_cast<int16_t>(scale);
    out.min_steps[g] = static_cast<int16_t>(min);
    for (int i = 0; i < 32; ++i) {
      const int low = q[g / 2 * 32 + i] >> (g % 2 * 4) & 15;
      const int fifth = high == nullptr ? 0 : (high[i] >> g & 1) << 4;
      out.u[g * 32 + i] = static_cast<uint8_t>(low | fifth);
    }
  }
}

/// Bits 2 s and 2 s + 1 of byte 32 h + i are weight 128 h + 32 s + i.
int TwoBits(const uint8_t* q, int weight) { return q[weight / 128 * 32 + weight % 32] >> (weight % 128 / 32 * 2) & 3; }

void UnpackQ2K(const quant::BlockQ2_K& b, UnpackedBlock& out) {
  out.d = F16ToF32(b.scale_f16);
  out.m = F16ToF32(b.min_f16);
  for (int g = 0; g < 16; ++g) {
    out.steps[g] = b.scales[g] & 15;
    out.min_steps[g] = b.scales[g] >> 4;
  }
  for (int i = 0; i < 256; ++i) out.u[i] = static_cast<uint8_t>(TwoBits(b.q, i));
}

void UnpackQ3K(const quant::BlockQ3_K& b, UnpackedBlock& out) {
  out.d = F16ToF32(b.scale_f16);
  for (int g = 0; g < 16; ++g) {
    const int low = g < 8 ? b.scales[g] & 15 : b.scales[g - 8] >> 4;
    const int high = b.scales[8 + g % 4] >> (g / 4 * 2) & 3;
    out.steps[g] = static_cast<int16_t>((low | high << 4) - 32);
  }
  for (int i = 0; i < 256; ++i) {
    out.u[i] = static_cast<uint8_t>(TwoBits(b.q, i) | (b.high[i % 32] >> (i / 32) & 1) << 2);
  }
}

void UnpackQ6K(const quant::BlockQ6_K& b, UnpackedBlock& out) {
  out.d = F16ToF32(b.scale_f16);
  for (int g = 0; g < 16; ++g) out.steps[g] = b.scales[g];
  for (int i = 0; i < 256; ++i) {
    const int half = i / 128, quarter = i % 128 / 32, l = i % 32;
    const int low = b.q_low[half * 64 + quarter % 2 * 32 + l] >> (quarter / 2 * 4) & 15;
    const int high = b.q_high[half * 32 + l] >> (quarter * 2) & 3;
    out.u[i] = static_cast<uint8_t>(low | high << 4);
  }
}

}  // namespace

BlockShape ShapeOf(TensorType type) {
  switch (type) {
    case TensorType::kQ4_0:
      return {32, 32, 8, false};
    case TensorType::kQ5_0:
      return {32, 32, 16, false};
    case TensorType::kQ8_0:
    case TensorType::kQ8_1:
    case TensorType::kIQ4_NL:
      return {32, 32, 128, false};
    case TensorType::kMXFP4:
      return {32, 32, 16, false};
    case TensorType::kNVFP4:
      return {64, 16, 16, false};
    case TensorType::kQ1_0:
      return {128, 32, 1, false};
    case TensorType::kQ2_0:
      return {64, 32, 1, false};
    case TensorType::kTQ1_0:
    case TensorType::kTQ2_0:
      return {256, 32, 1, false};
    case TensorType::kIQ4_XS:
    case TensorType::kQ8_K:
      return {256, 32, 128, false};
    case TensorType::kIQ2_XXS:
    case TensorType::kIQ3_XXS:
      return {256, 32, 64, false};
    case TensorType::kIQ2_XS:
    case TensorType::kIQ2_S:
      return {256, 16, 64, false};
    case TensorType::kIQ1_S:
    case TensorType::kIQ3_S:
      return {256, 32, 16, false};
    case TensorType::kIQ1_M:
      return {256, 16, 16, false};
    case TensorType::kQ2_K:
      return {256, 16, 0, true};
    case TensorType::kQ3_K:
      return {256, 16, 4, false};
    case TensorType::kQ4_K:
    case TensorType::kQ5_K:
      return {256, 32, 0, true};
    case TensorType::kQ6_K:
      return {256, 16, 32, false};
    default:
      return {32, 32, 0, true};
  }
}

void UnpackBlock(TensorType type, const uint8_t* block, UnpackedBlock& out) {
  switch (type) {
    case TensorType::kQ4_0:
      out.scale[0] = F16ToF32(Half(block));
      return Nibbles(block + 2, out.u);
    case TensorType::kQ4_1:
      out.scale[0] = F16ToF32(Half(block));
      out.min[0] = F16ToF32(Half(block + 2));
      return Nibbles(block + 4, out.u);
    case TensorType::kQ5_0:
      out.scale[0] = F16ToF32(Half(block));
      Nibbles(block + 6, out.u);
      return FifthBits(block + 2, out.u);
    case TensorType::kQ5_1:
      out.scale[0] = F16ToF32(Half(block));
      out.min[0] = F16ToF32(Half(block + 2));
      Nibbles(block + 8, out.u);
      return FifthBits(block + 4, out.u);
    case TensorType::kQ8_0:
      out.scale[0] = F16ToF32(Half(block));
      for (int i = 0; i < 32; ++i) out.u[i] = block[2 + i] ^ 0x80;
      return;
    case TensorType::kQ8_1:
      out.scale[0] = F16ToF32(Half(block));
      for (int i = 0; i < 32; ++i) out.u[i] = block[4 + i] ^ 0x80;
      return;
    case TensorType::kQ8_K:
      std::memcpy(&out.d, block, sizeof out.d);
      std::fill_n(out.steps, 8, int16_t{1});
      for (int i = 0; i < 256; ++i) out.u[i] = block[4 + i] ^ 0x80;
      return;
    case TensorType::kQ4_K: {
      quant::BlockQ4_K b;
      std::memcpy(&b, block, sizeof b);
      out.d = F16ToF32(b.scale_f16);
      out.m = F16ToF32(b.min_f16);
      return UnpackQ4K(b.scales, b.q, nullptr, out);
    }
    case TensorType::kQ5_K: {
      quant::BlockQ5_K b;
      std::memcpy(&b, block, sizeof b);
      out.d = F16ToF32(b.scale_f16);
      out.m = F16ToF32(b.min_f16);
      return UnpackQ4K(b.scales, b.q, b.high, out);
    }
    case TensorType::kQ2_K: {
      quant::BlockQ2_K b;
      std::memcpy(&b, block, sizeof b);
      return UnpackQ2K(b, out);
    }
    case TensorType::kQ3_K: {
      quant::BlockQ3_K b;
      std::memcpy(&b, block, sizeof b);
      return UnpackQ3K(b, out);
    }
    case TensorType::kQ6_K: {
      quant::BlockQ6_K b;
      std::memcpy(&b, block, sizeof b);
      return UnpackQ6K(b, out);
    }
    default:
      return UnpackCodebookBlock(type, block, out);
  }
}

}  // namespace zell::kernels
