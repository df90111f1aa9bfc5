// The scalar definition of every format. Products are formed left to right and rounded to f32 one by one.
#include <bit>
#include <cstring>

#include "quant/blocks.h"
#include "quant/dequantize_block.h"
#include "quant/packing.h"

namespace zell::quant {
namespace {

template <typename T>
T Load(const void* p, size_t i) {
  T value;
  std::memcpy(&value, static_cast<const uint8_t*>(p) + i * sizeof(T), sizeof value);
  return value;
}

/// Bit i of four bytes read as a little-endian number.
int FifthBit(const uint8_t* high, int i) { return high[i / 8] >> (i % 8) & 1; }

void DequantizeBlock(const BlockQ4_0& b, float* y) {
  const float d = F16ToF32(b.scale_f16);
  for (int i = 0; i < 16; ++i) {
    y[i] = static_cast<float>((b.q[i] & 15) - 8) * d;
    y[i + 16] = static_cast<float>((b.q[i] >> 4) - 8) * d;
  }
}

void DequantizeBlock(const BlockQ4_1& b, float* y) {
  const float d = F16ToF32(b.scale_f16), m = F16ToF32(b.min_f16);
  for (int i = 0; i < 16; ++i) {
    y[i] = static_cast<float>(b.q[i] & 15) * d + m;
    y[i + 16] = static_cast<float>(b.q[i] >> 4) * d + m;
  }
}

void DequantizeBlock(const BlockQ5_0& b, float* y) {
  const float d = F16ToF32(b.scale_f16);
  for (int i = 0; i < 16; ++i) {
    y[i] = static_cast<float>(((b.q[i] & 15) | FifthBit(b.high, i) << 4) - 16) * d;
    y[i + 16] = static_cast<float>((b.q[i] >> 4 | FifthBit(b.high, i + 16) << 4) - 16) * d;
  }
}

void DequantizeBlock(const BlockQ5_1& b, float* y) {
  const float d = F16ToF32(b.scale_f16), m = F16ToF32(b.min_f16);
  for (int i = 0; i < 16; ++i) {
    y[i] = static_cast<float>((b.q[i] & 15) | FifthBit(b.high, i) << 4) * d + m;
    y[i + 16] = static_cast<float>(b.q[i] >> 4 | FifthBit(b.high, i + 16) << 4) * d + m;
  }
}

void DequantizeBlock(const BlockQ8_0& b, float* y) {
  const float d = F16ToF32(b.scale_f16);
  for (int i = 0; i < 32; ++i) y[i] = static_cast<float>(b.q[i]) * d;
}

// Q2_K and Q3_K keep weight 128 h + 32 s + i in bits 2 s, 2 s + 1 of byte 32 h + i.
void DequantizeBlock(const BlockQ2_K& b, float* y) {
  const float d = F16ToF32(b.scale_f16), m = F16ToF32(b.min_f16);
  for (int group = 0; group < 16; ++group, y += 16) {
    const float scale = d * static_cast<float>(b.scales[group] & 15);
    const float min = m * static_cast<float>(b.scales[group] >> 4);
    const uint8_t* q = b.q + group / 8 * 32 + group % 2 * 16;
    const int shift = group % 8 / 2 * 2;
    for (int i = 0; i < 16; ++i) y[i] = scale * static_cast<float>(q[i] >> shift & 3) - min;
  }
}

void DequantizeBlock(const BlockQ3_K& b, float* y) {
  const float d = F16ToF32(b.scale_f16);
  for (int group = 0; group < 16; ++group, y += 16) {
    const float scale = d * static_cast<float>(UnpackQ3Scale(b.scales, group) - 32);
    const uint8_t* q = b.q + group / 8 * 32 + group % 2 * 16;
    const uint8_t* high = b.high + group % 2 * 16;
    const int shift = group % 8 / 2 * 2;
    for (int i = 0; i < 16; ++i) {
      const int value = (q[i] >> shift & 3) - ((high[i] >> (group / 2) & 1) != 0 ? 0 : 4);
      y[i] = scale * static_cast<float>(value);
    }
  }
}

// Q4_K and Q5_K keep groups 2 c and 2 c + 1 in the low and high nibbles of bytes 32 c … 32 c + 31.
void DequantizeBlock(const BlockQ4_K& b, float* y) {
  const float d = F16ToF32(b.scale_f16), m = F16ToF32(b.min_f16);
  for (int group = 0; group < 8; ++group, y += 32) {
    const ScaleAndMin packed = UnpackScaleAndMin(b.scales, group);
    const float scale = d * static_cast<float>(packed.scale), min = m * static_cast<float>(packed.min);
    const uint8_t* q = b.q + group / 2 * 32;
    const int shift = group % 2 * 4;
    for (int i = 0; i < 32; ++i) y[i] = scale * static_cast<float>(q[i] >> shift & 15) - min;
  }
}

void DequantizeBlock(const BlockQ5_K& b, float* y) {
  const float d = F16ToF32(b.scale_f16), m = F16ToF32(b.min_f16);
  for (int group = 0; group < 8; ++group, y += 32) {
    const ScaleAndMin packed = UnpackScaleAndMin(b.scales, group);
    const float scale = d * static_cast<float>(packed.scale), min = m * static_cast<float>(packed.min);
    const uint8_t* q = b.q + group / 2 * 32;
    const int shift = group % 2 * 4;
    for (int i = 0; i < 32; ++i) {
      const int value = (q[i] >> shift & 15) | (b.high[i] >> group & 1) << 4;
      y[i] = scale * static_cast<float>(value) - min;
    }
  }
}

// Each half of 128: nibble n of byte i + 32 b is weight 64 n + 32 b + i, whose upper bits are pair 2 n + b of byte i.
void DequantizeBlock(const BlockQ6_K& b, float* y) {
  const float d = F16ToF32(b.scale_f16);
  for (int group = 0; group < 16; ++group, y += 16) {
    const float scale = d * static_cast<float>(b.scales[group]);
    const int half = group / 8, quarter = group % 8 / 2, first = group % 2 * 16;
    const uint8_t* low = b.q_low + half * 64 + quarter % 2 * 32 + first;
    const uint8_t* high = b.q_high + half * 32 + first;
    for (int i = 0; i < 16; ++i) {
      const int value = (low[i] >> (quarter / 2 * 4) & 15) | (high[i] >> (quarter * 2) & 3) << 4;
      y[i] = scale * static_cast<float>(value - 32);
    }
  }
}

void DequantizeBlock(const BlockQ8_1& b, float* y) {
  const float d = F16ToF32(b.scale_f16);
  for (int i = 0; i < 32; ++i) y[i] = static_cast<float>(b.q[i]) * d;
}

void DequantizeBlock(const BlockQ8_K& b, float* y) {
  const float d = b.scale;
  for (int i = 0; i < 256; ++i) y[i] = d * static_cast<float>(b.q[i]);
}

template <typename Block, size_t kWeights>
void DequantizeBlocks(const void* blocks, float* y, size_t n) {
  for (size_t i = 0; i < n / kWeights; ++i) DequantizeBlock(Load<Block>(blocks, i), y + i * kWeights);
}

template <typename Number>
void ConvertNumbers(const void* numbers, float* y, size_t n) {
  for (size_t i = 0; i < n; ++i) y[i] = static_cast<float>(Load<Number>(numbers, i));
}

}  // namespace

void Dequantize(TensorType type, const void* blocks, float* y, size_t n) {
  switch (type) {
    case TensorType::kF32:
      if (n != 0) std::memcpy(y, blocks, n * sizeof(float));
      return;
    case TensorType::kF16:
      for (size_t i = 0; i < n; ++i) y[i] = F16ToF32(Load<uint16_t>(blocks, i));
      return;
    case TensorType::kBF16:
      for (size_t i = 0; i < n; ++i) y[i] = BF16ToF32(Load<uint16_t>(blocks, i));
      return;
    case TensorType::kQ4_0:
      return DequantizeBlocks<BlockQ4_0, kSmallBlock>(blocks, y, n);
    case TensorType::kQ4_1:
      return DequantizeBlocks<BlockQ4_1, kSmallBlock>(blocks, y, n);
    case TensorType::kQ5_0:
      return DequantizeBlocks<BlockQ5_0, kSmallBlock>(blocks, y, n);
    case TensorType::kQ5_1:
      return DequantizeBlocks<BlockQ5_1, kSmallBlock>(blocks, y, n);
    case TensorType::kQ8_0:
      return DequantizeBlocks<BlockQ8_0, kSmallBlock>(blocks, y, n);
    case TensorType::kQ2_K:
      return DequantizeBlocks<BlockQ2_K, kSuperBlock>(blocks, y, n);
    case TensorType::kQ3_K:
      return DequantizeBlocks<BlockQ3_K, kSuperBlock>(blocks, y, n);
    case TensorType::kQ4_K:
      return DequantizeBlocks<BlockQ4_K, kSuperBlock>(blocks, y, n);
    case TensorType::kQ5_K:
      return DequantizeBlocks<BlockQ5_K, kSuperBlock>(blocks, y, n);
    case TensorType::kQ6_K:
      return DequantizeBlocks<BlockQ6_K, kSuperBlock>(blocks, y, n);
    case TensorType::kQ8_1:
      return DequantizeBlocks<BlockQ8_1, kSmallBlock>(blocks, y, n);
    case TensorType::kQ8_K:
      return DequantizeBlocks<BlockQ8_K, kSuperBlock>(blocks, y, n);
    case TensorType::kQ1_0:
      return DequantizeBlocks<BlockQ1_0, 128>(blocks, y, n);
    case TensorType::kQ2_0:
      return DequantizeBlocks<BlockQ2_0, 64>(blocks, y, n);
    case TensorType::kTQ1_0:
      return DequantizeBlocks<BlockTQ1_0, kSuperBlock>(blocks, y, n);
    case TensorType::kTQ2_0:
      return DequantizeBlocks<BlockTQ2_0, kSuperBlock>(blocks, y, n);
    case TensorType::kIQ4_NL:
      return DequantizeBlocks<BlockIQ4_NL, kSmallBlock>(blocks, y, n);
    case TensorType::kIQ4_XS:
      return DequantizeBlocks<BlockIQ4_XS, kSuperBlock>(blocks, y, n);
    case TensorType::kMXFP4:
      return DequantizeBlocks<BlockMXFP4, kSmallBlock>(blocks, y, n);
    case TensorType::kNVFP4:
      return DequantizeBlocks<BlockNVFP4, 64>(blocks, y, n);
    case TensorType::kIQ1_S:
      return DequantizeBlocks<BlockIQ1_S, kSuperBlock>(blocks, y, n);
    case TensorType::kIQ1_M:
      return DequantizeBlocks<BlockIQ1_M, kSuperBlock>(blocks, y, n);
    case TensorType::kIQ2_XXS:
      return DequantizeBlocks<BlockIQ2_XXS, kSuperBlock>(blocks, y, n);
    case TensorType::kIQ2_XS:
      return DequantizeBlocks<BlockIQ2_XS, kSuperBlock>(blocks, y, n);
    case TensorType::kIQ2_S:
      return DequantizeBlocks<BlockIQ2_S, kSuperBlock>(blocks, y, n);
    case TensorType::kIQ3_XXS:
      return DequantizeBlocks<BlockIQ3_XXS, kSuperBlock>(blocks, y, n);
    case TensorType::kIQ3_S:
      return DequantizeBlocks<BlockIQ3_S, kSuperBlock>(blocks, y, n);
    case TensorType::kF64:
      return ConvertNumbers<double>(blocks, y, n);
    case TensorType::kI8:
      return ConvertNumbers<int8_t>(blocks, y, n);
    case TensorType::kI16:
      return ConvertNumbers<int16_t>(blocks, y, n);
    case TensorType::kI32:
      return ConvertNumbers<int32_t>(blocks, y, n);
    case TensorType::kI64:
      return ConvertNumbers<int64_t>(blocks, y, n);
  }
}

}  // namespace zell::quant
