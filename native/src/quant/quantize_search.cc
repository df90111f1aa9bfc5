// The quantisers that users' files are made with: every group's scale is searched for, under weights of importance.
#include <array>
#include <cmath>
#include <cstring>

#include "quant/blocks.h"
#include "quant/fit.h"
#include "quant/packing.h"
#include "quant/search.h"

namespace zell::quant {
namespace {

/// How much each weight's error counts. Large weights move the output most; `importance`, when given, is the mean
/// square of the activation that meets the weight.
void FillWeights(const float* x, const float* importance, size_t n, float* weight) {
  float sum = 0.0f;
  for (size_t i = 0; i < n; ++i) sum += x[i] * x[i];
  const float mean = sum / static_cast<float>(n);
  for (size_t i = 0; i < n; ++i) {
    const float own = std::sqrt(mean + x[i] * x[i]);
    weight[i] = importance == nullptr ? own : own * importance[i];
  }
}

uint8_t WithBits(uint8_t byte, int bits, int shift) { return static_cast<uint8_t>(byte | bits << shift); }

/// Integers of 4 or 5 bits as the small formats keep them.
void PutSmall(uint8_t* q, uint8_t* high, size_t i, int value) {
  q[i % 16] = WithBits(q[i % 16], value & 15, i < 16 ? 0 : 4);
  if (high != nullptr) high[i / 8] = WithBits(high[i / 8], value >> 4, static_cast<int>(i % 8));
}

/// Q4_0, Q5_0: w = scale * (q - half).
uint16_t SearchSmall(const float* x, const float* weight, int half, uint8_t* q, uint8_t* high) {
  int8_t found[kSmallBlock];
  const uint16_t scale_f16 = FiniteF16(SearchSymmetric(x, weight, kSmallBlock, -half, half - 1, found));
  const float inverse = InverseOrZero(F16ToF32(scale_f16));
  for (size_t i = 0; i < kSmallBlock; ++i) PutSmall(q, high, i, RoundInto(x[i] * inverse, -half, half - 1) + half);
  return scale_f16;
}

/// Q4_1, Q5_1: w = scale * q + min.
template <class Block>
void SearchSmallWithMin(const float* x, const float* weight, int highest, Block* block, uint8_t* high) {
  int8_t found[kSmallBlock];
  const ScaleOffset fit = SearchWithOffset(x, weight, kSmallBlock, highest, false, found);
  block->scale_f16 = FiniteF16(fit.scale);
  block->min_f16 = FiniteF16(fit.offset);
  const float inverse = InverseOrZero(F16ToF32(block->scale_f16)), min = F16ToF32(block->min_f16);
  for (size_t i = 0; i < kSmallBlock; ++i) PutSmall(block->q, high, i, RoundInto((x[i] - min) * inverse, 0, highest));
}

void SearchBlock(const float* x, const float* weight, BlockQ4_0* block) {
  block->scale_f16 = SearchSmall(x, weight, 8, block->q, nullptr);
}
void SearchBlock(const float* x, const float* weight, BlockQ5_0* block) {
  block->scale_f16 = SearchSmall(x, weight, 16, block->q, block->high);
}
void SearchBlock(const float* x, const float* weight, BlockQ4_1* block) {
  SearchSmallWithMin(x, weight, 15, block, nullptr);
}
void SearchBlock(const float* x, const float* weight, BlockQ5_1* block) {
  SearchSmallWithMin(x, weight, 31, block, block->high);
}

/// Scales and mins of a super-block's groups as small integers, and the two f16 numbers they multiply.
template <size_t kGroups>
struct GroupScales {
  uint16_t scale_f16 = 0, min_f16 = 0;
  std::array<ScaleAndMin, kGroups> small{};
  float Scale(size_t group) const { return F16ToF32(scale_f16) * static_cast<float>(small[group].scale); }
  float Min(size_t group) const { return F16ToF32(min_f16) * static_cast<float>(small[group].min); }
};

/// The integers of one level of group scales: the f16 number is searched for, then every scale rounds to it.
uint16_t SearchScales(const float* scale, const float* weight, size_t n, int limit, uint8_t* out) {
  int8_t found[kMostInGroup];
  const uint16_t f16 = FiniteF16(SearchPositive(scale, weight, n, limit, found));
  const float inverse = InverseOrZero(F16ToF32(f16));
  for (size_t i = 0; i < n; ++i) out[i] = static_cast<uint8_t>(RoundInto(scale[i] * inverse, 0, limit));
  return f16;
}

template <size_t kGroups>
GroupScales<kGroups> SearchGroups(const float* x, const float* weight, int limit, int highest) {
  constexpr size_t kSize = kSuperBlock / kGroups;
  float scales[kGroups], mins[kGroups], scale_weight[kGroups], min_weight[kGroups];
  for (size_t group = 0; group < kGroups; ++group) {
    int8_t q[kSize];
    const float* w = weight + group * kSize;
    const ScaleOffset fit = SearchWithOffset(x + group * kSize, w, kSize, highest, true, q);
    scales[group] = fit.scale;
    mins[group] = -fit.offset;
    scale_weight[group] = min_weight[group] = 0.0f;
    for (size_t i = 0; i < kSize; ++i) {
      scale_weight[group] += w[i] * static_cast<float>(q[i]) * static_cast<float>(q[i]);
      min_weight[group] += w[i];
    }
  }
  GroupScales<kGroups> result;
  uint8_t small_scales[kGroups], small_mins[kGroups];
  result.scale_f16 = SearchScales(scales, scale_weight, kGroups, limit, small_scales);
  // With its scale rounded a group has a new best min.
  for (size_t group = 0; group < kGroups; ++group) {
    const float scale = F16ToF32(result.scale_f16) * static_cast<float>(small_scales[group]);
    const float* w = weight + group * kSize;
    float sum = 0.0f;
    for (size_t i = 0; i < kSize; ++i) {
      const float value = x[group * kSize + i];
      const int q = RoundInto((value + mins[group]) * InverseOrZero(scale), 0, highest);
      sum += w[i] * (scale * static_cast<float>(q) - value);
    }
    mins[group] = min_weight[group] > 0.0f ? std::max(0.0f, sum / min_weight[group]) : mins[group];
  }
  result.min_f16 = SearchScales(mins, min_weight, kGroups, limit, small_mins);
  for (size_t group = 0; group < kGroups; ++group) result.small[group] = {small_scales[group], small_mins[group]};
  return result;
}

/// Scales of 16 groups as integers in [lowest, highest], times one f16 number.
struct SignedGroupScales {
  uint16_t scale_f16 = 0;
  std::array<int, 16> small{};
  float Scale(size_t group) const { return F16ToF32(scale_f16) * static_cast<float>(small[group]); }
};

SignedGroupScales SearchSignedGroups(const float* x, const float* weight, int q_half, int lowest, int highest) {
  float scales[16], scale_weight[16];
  for (size_t group = 0; group < 16; ++group) {
    int8_t q[16];
    const float* w = weight + group * 16;
    scales[group] = SearchSymmetric(x + group * 16, w, 16, -q_half, q_half - 1, q);
    scale_weight[group] = 0.0f;
    for (size_t i = 0; i < 16; ++i) scale_weight[group] += w[i] * static_cast<float>(q[i]) * static_cast<float>(q[i]);
  }
  SignedGroupScales result;
  int8_t found[16];
  result.scale_f16 = FiniteF16(SearchSymmetric(scales, scale_weight, 16, lowest, highest, found));
  const float inverse = InverseOrZero(F16ToF32(result.scale_f16));
  for (size_t group = 0; group < 16; ++group) result.small[group] = RoundInto(scales[group] * inverse, lowest, highest);
  return result;
}

void SearchBlock(const float* x, const float* weight, BlockQ2_K* block) {
  const auto scales = SearchGroups<16>(x, weight, 15, 3);
  block->scale_f16 = scales.scale_f16;
  block->min_f16 = scales.min_f16;
  for (size_t group = 0; group < 16; ++group, x += 16) {
    block->scales[group] = WithBits(scales.small[group].scale, scales.small[group].min, 4);
    uint8_t* q = block->q + group / 8 * 32 + group % 2 * 16;
    const float inverse = InverseOrZero(scales.Scale(group)), min = scales.Min(group);
    for (size_t i = 0; i < 16; ++i) {
      q[i] = WithBits(q[i], RoundInto((x[i] + min) * inverse, 0, 3), static_cast<int>(group % 8 / 2 * 2));
    }
  }
}

void SearchBlock(const float* x, const float* weight, BlockQ3_K* block) {
  const SignedGroupScales scales = SearchSignedGroups(x, weight, 4, -32, 31);
  block->scale_f16 = scales.scale_f16;
  for (size_t group = 0; group < 16; ++group, x += 16) {
    PackQ3Scale(block->scales, static_cast<int>(group), scales.small[group] + 32);
    const float inverse = InverseOrZero(scales.Scale(group));
    uint8_t* q = block->q + group / 8 * 32 + group % 2 * 16;
    uint8_t* high = block->high + group % 2 * 16;
    for (size_t i = 0; i < 16; ++i) {
      const int value = RoundInto(x[i] * inverse, -4, 3) + 4;
      q[i] = WithBits(q[i], value & 3, static_cast<int>(group % 8 / 2 * 2));
      high[i] = WithBits(high[i], value >> 2, static_cast<int>(group / 2));
    }
  }
}

void SearchBlock(const float* x, const float* weight, BlockQ4_K* block) {
  const auto scales = SearchGroups<8>(x, weight, 63, 15);
  block->scale_f16 = scales.scale_f16;
  block->min_f16 = scales.min_f16;
  for (size_t group = 0; group < 8; ++group, x += 32) {
    PackScaleAndMin(block->scales, static_cast<int>(group), scales.small[group]);
    const float inverse = InverseOrZero(scales.Scale(group)), min = scales.Min(group);
    uint8_t* q = block->q + group / 2 * 32;
    for (size_t i = 0; i < 32; ++i) {
      q[i] = WithBits(q[i], RoundInto((x[i] + min) * inverse, 0, 15), group % 2 == 0 ? 0 : 4);
    }
  }
}

void SearchBlock(const float* x, const float* weight, BlockQ5_K* block) {
  const auto scales = SearchGroups<8>(x, weight, 63, 31);
  block->scale_f16 = scales.scale_f16;
  block->min_f16 = scales.min_f16;
  for (size_t group = 0; group < 8; ++group, x += 32) {
    PackScaleAndMin(block->scales, static_cast<int>(group), scales.small[group]);
    const float inverse = InverseOrZero(scales.Scale(group)), min = scales.Min(group);
    uint8_t* q = block->q + group / 2 * 32;
    for (size_t i = 0; i < 32; ++i) {
      const int value = RoundInto((x[i] + min) * inverse, 0, 31);
      q[i] = WithBits(q[i], value & 15, group % 2 == 0 ? 0 : 4);
      block->high[i] = WithBits(block->high[i], value >> 4, static_cast<int>(group));
    }
  }
}

void SearchBlock(const float* x, const float* weight, BlockQ6_K* block) {
  const SignedGroupScales scales = SearchSignedGroups(x, weight, 32, -128, 127);
  block->scale_f16 = scales.scale_f16;
  for (size_t group = 0; group < 16; ++group, x += 16) {
    block->scales[group] = static_cast<int8_t>(scales.small[group]);
    const float inverse = InverseOrZero(scales.Scale(group));
    const size_t half = group / 8, quarter = group % 8 / 2, first = group % 2 * 16;
    uint8_t* low = block->q_low + half * 64 + quarter % 2 * 32 + first;
    uint8_t* high = block->q_high + half * 32 + first;
    for (size_t i = 0; i < 16; ++i) {
      const int value = RoundInto(x[i] * inverse, -32, 31) + 32;
      low[i] = WithBits(low[i], value & 15, quarter < 2 ? 0 : 4);
      high[i] = WithBits(high[i], value >> 4, static_cast<int>(quarter * 2));
    }
  }
}

template <class Block, size_t kWeights>
bool SearchBlocks(const float* x, const float* importance, void* blocks, size_t n) {
  float weight[kWeights];
  for (size_t at = 0; at < n; at += kWeights) {
    FillWeights(x + at, importance == nullptr ? nullptr : importance + at, kWeights, weight);
    Block block{};
    SearchBlock(x + at, weight, &block);
    std::memcpy(static_cast<uint8_t*>(blocks) + at / kWeights * sizeof block, &block, sizeof block);
  }
  return true;
}

}  // namespace

bool QuantizeBest(TensorType type, const float* x, const float* importance, void* blocks, size_t n) {
  switch (type) {
    case TensorType::kQ4_0:
      return SearchBlocks<BlockQ4_0, kSmallBlock>(x, importance, blocks, n);
    case TensorType::kQ4_1:
      return SearchBlocks<BlockQ4_1, kSmallBlock>(x, importance, blocks, n);
    case TensorType::kQ5_0:
      return SearchBlocks<BlockQ5_0, kSmallBlock>(x, importance, blocks, n);
    case TensorType::kQ5_1:
      return SearchBlocks<BlockQ5_1, kSmallBlock>(x, importance, blocks, n);
    case TensorType::kQ2_K:
      return SearchBlocks<BlockQ2_K, kSuperBlock>(x, importance, blocks, n);
    case TensorType::kQ3_K:
      return SearchBlocks<BlockQ3_K, kSuperBlock>(x, importance, blocks, n);
    case TensorType::kQ4_K:
      return SearchBlocks<BlockQ4_K, kSuperBlock>(x, importance, blocks, n);
    case TensorType::kQ5_K:
      return SearchBlocks<BlockQ5_K, kSuperBlock>(x, importance, blocks, n);
    case TensorType::kQ6_K:
      return SearchBlocks<BlockQ6_K, kSuperBlock>(x, importance, blocks, n);
    default:
      return Quantize(type, x, blocks, n);
  }
}

}  // namespace zell::quant
