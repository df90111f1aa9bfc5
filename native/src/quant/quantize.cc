// Nearest-rounding quantisers: dispatch, floats and the formats with blocks of 32. Weights are rounded with the scale
// as it is stored (f16), not with the one it was rounded from.
#include <cstring>

#include "quant/blocks.h"
#include "quant/fit.h"
#include "quant/pack_small.h"
#include "quant/quantize_small.h"
#include "quant/quantize_super.h"

namespace zell::quant {
namespace {

/// Where the integers of a block go; `high` is null for 4 bits.
struct Bits {
  uint8_t* q;
  uint8_t* high;
};

/// w = scale * (q - half), q in [0, 2 half - 1].
uint16_t QuantizeSymmetric(const float* x, int half, const Bits& bits) {
  const uint16_t scale_f16 = FiniteF16(SignedMax(x, kSmallBlock) / static_cast<float>(-half));
  const float inverse = InverseOrZero(F16ToF32(scale_f16));
  for (size_t i = 0; i < kSmallBlock; ++i)
    PutSmall(bits.q, bits.high, i, RoundInto(x[i] * inverse, -half, half - 1) + half);
  return scale_f16;
}

struct ScaleMinF16 {
  uint16_t scale, min;
};

/// w = scale * q + min, q in [0, highest].
ScaleMinF16 QuantizeWithMin(const float* x, int highest, const Bits& bits) {
  const auto [low, high] = std::minmax_element(x, x + kSmallBlock);
  const ScaleMinF16 f16{FiniteF16((*high - *low) / static_cast<float>(highest)), FiniteF16(*low)};
  const float inverse = InverseOrZero(F16ToF32(f16.scale)), min = F16ToF32(f16.min);
  for (size_t i = 0; i < kSmallBlock; ++i)
    PutSmall(bits.q, bits.high, i, RoundInto((x[i] - min) * inverse, 0, highest));
  return f16;
}

void QuantizeBlock(const float* x, BlockQ4_0* block) {
  block->scale_f16 = QuantizeSymmetric(x, 8, {block->q, nullptr});
}

void QuantizeBlock(const float* x, BlockQ5_0* block) {
  block->scale_f16 = QuantizeSymmetric(x, 16, {block->q, block->high});
}

void QuantizeBlock(const float* x, BlockQ4_1* block) {
  const ScaleMinF16 f16 = QuantizeWithMin(x, 15, {block->q, nullptr});
  block->scale_f16 = f16.scale;
  block->min_f16 = f16.min;
}

void QuantizeBlock(const float* x, BlockQ5_1* block) {
  const ScaleMinF16 f16 = QuantizeWithMin(x, 31, {block->q, block->high});
  block->scale_f16 = f16.scale;
  block->min_f16 = f16.min;
}

void QuantizeBlock(const float* x, BlockQ8_0* block) {
  block->scale_f16 = FiniteF16(std::fabs(SignedMax(x, kSmallBlock)) / 127.0f);
  const float inverse = InverseOrZero(F16ToF32(block->scale_f16));
  for (size_t i = 0; i < kSmallBlock; ++i) block->q[i] = static_cast<int8_t>(RoundInto(x[i] * inverse, -127, 127));
}

template <typename Block, size_t kWeights>
bool QuantizeBlocks(const float* x, void* blocks, size_t n) {
  for (size_t i = 0; i < n / kWeights; ++i) {
    Block block{};
    QuantizeBlock(x + i * kWeights, &block);
    std::memcpy(static_cast<uint8_t*>(blocks) + i * sizeof block, &block, sizeof block);
  }
  return true;
}

bool QuantizeHalf(const float* x, void* out, size_t n, uint16_t (*convert)(float)) {
  for (size_t i = 0; i < n; ++i) {
    const uint16_t half = convert(x[i]);
    std::memcpy(static_cast<uint8_t*>(out) + i * sizeof half, &half, sizeof half);
  }
  return true;
}

}  // namespace

bool Quantize(TensorType type, const float* x, void* blocks, size_t n) {
  switch (type) {
    case TensorType::kF32:
      if (n != 0) std::memcpy(blocks, x, n * sizeof(float));
      return true;
    case TensorType::kF16:
      return QuantizeHalf(x, blocks, n, F32ToF16);
    case TensorType::kBF16:
      return QuantizeHalf(x, blocks, n, F32ToBF16);
    case TensorType::kQ4_0:
      return QuantizeBlocks<BlockQ4_0, kSmallBlock>(x, blocks, n);
    case TensorType::kQ4_1:
      return QuantizeBlocks<BlockQ4_1, kSmallBlock>(x, blocks, n);
    case TensorType::kQ5_0:
      return QuantizeBlocks<BlockQ5_0, kSmallBlock>(x, blocks, n);
    case TensorType::kQ5_1:
      return QuantizeBlocks<BlockQ5_1, kSmallBlock>(x, blocks, n);
    case TensorType::kQ8_0:
      return QuantizeBlocks<BlockQ8_0, kSmallBlock>(x, blocks, n);
    case TensorType::kQ2_K:
      return QuantizeBlocks<BlockQ2_K, kSuperBlock>(x, blocks, n);
    case TensorType::kQ3_K:
      return QuantizeBlocks<BlockQ3_K, kSuperBlock>(x, blocks, n);
    case TensorType::kQ4_K:
      return QuantizeBlocks<BlockQ4_K, kSuperBlock>(x, blocks, n);
    case TensorType::kQ5_K:
      return QuantizeBlocks<BlockQ5_K, kSuperBlock>(x, blocks, n);
    case TensorType::kQ6_K:
      return QuantizeBlocks<BlockQ6_K, kSuperBlock>(x, blocks, n);
    case TensorType::kQ8_1:
      return QuantizeBlocks<BlockQ8_1, kSmallBlock>(x, blocks, n);
    case TensorType::kQ8_K:
      return QuantizeBlocks<BlockQ8_K, kSuperBlock>(x, blocks, n);
    case TensorType::kQ1_0:
      return QuantizeBlocks<BlockQ1_0, 128>(x, blocks, n);
    case TensorType::kQ2_0:
      return QuantizeBlocks<BlockQ2_0, 64>(x, blocks, n);
    case TensorType::kTQ1_0:
      return QuantizeBlocks<BlockTQ1_0, kSuperBlock>(x, blocks, n);
    case TensorType::kTQ2_0:
      return QuantizeBlocks<BlockTQ2_0, kSuperBlock>(x, blocks, n);
    case TensorType::kIQ4_NL:
      return QuantizeBlocks<BlockIQ4_NL, kSmallBlock>(x, blocks, n);
    case TensorType::kIQ4_XS:
      return QuantizeBlocks<BlockIQ4_XS, kSuperBlock>(x, blocks, n);
    case TensorType::kMXFP4:
      return QuantizeBlocks<BlockMXFP4, kSmallBlock>(x, blocks, n);
    case TensorType::kNVFP4:
      return QuantizeBlocks<BlockNVFP4, 64>(x, blocks, n);
    case TensorType::kF64:
      for (size_t i = 0; i < n; ++i) {
        const double value = x[i];
        std::memcpy(static_cast<uint8_t*>(blocks) + i * sizeof value, &value, sizeof value);
      }
      return true;
    default:
      return false;
  }
}

}  // namespace zell::quant
