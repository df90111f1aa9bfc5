// The quantisers that users' files are made with: every group's scale is searched for, under weights of importance.
#include <array>
#include <cmath>
#include <cstring>

#include "quant/blocks.h"
#include "quant/fit.h"
#include "quant/pack_small.h"
#include "quant/pack_super.h"
#include "quant/search.h"
#include "quant/search_tables.h"

namespace zell::quant {
namespace {

/// Whose errors count more. `importance`, when given, weighs as well: it is the mean square of the activation that
/// meets the weight.
enum class Counts {
  kLarge,  ///< the large weights': they move the output most
  kEven,   ///< all the same: what little choice MXFP4 leaves would only be spent on clipping
};

void FillWeights(Counts counts, const float* x, const float* importance, size_t n, float* weight) {
  float sum = 0.0f;
  for (size_t i = 0; i < n; ++i) sum += x[i] * x[i];
  const float mean = sum / static_cast<float>(n);
  for (size_t i = 0; i < n; ++i) {
    const float own = counts == Counts::kEven ? 1.0f : std::sqrt(mean + x[i] * x[i]);
    weight[i] = importance == nullptr ? own : own * importance[i];
  }
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

/// Of 16 groups, as integers in [lowest, highest].
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
  Pack(x, SearchGroups<16>(x, weight, 15, 3), block);
}

void SearchBlock(const float* x, const float* weight, BlockQ3_K* block) {
  Pack(x, SearchSignedGroups(x, weight, 4, -32, 31), block);
}

void SearchBlock(const float* x, const float* weight, BlockQ4_K* block) {
  Pack(x, SearchGroups<8>(x, weight, 63, 15), block);
}

void SearchBlock(const float* x, const float* weight, BlockQ5_K* block) {
  Pack(x, SearchGroups<8>(x, weight, 63, 31), block);
}

void SearchBlock(const float* x, const float* weight, BlockQ6_K* block) {
  Pack(x, SearchSignedGroups(x, weight, 32, -128, 127), block);
}

template <class Block, size_t kWeights, Counts kCounts = Counts::kLarge>
bool SearchBlocks(const float* x, const float* importance, void* blocks, size_t n) {
  float weight[kWeights];
  for (size_t at = 0; at < n; at += kWeights) {
    FillWeights(kCounts, x + at, importance == nullptr ? nullptr : importance + at, kWeights, weight);
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
    case TensorType::kIQ4_NL:
      return SearchBlocks<BlockIQ4_NL, kSmallBlock>(x, importance, blocks, n);
    case TensorType::kIQ4_XS:
      return SearchBlocks<BlockIQ4_XS, kSuperBlock>(x, importance, blocks, n);
    case TensorType::kMXFP4:
      return SearchBlocks<BlockMXFP4, kSmallBlock, Counts::kEven>(x, importance, blocks, n);
    case TensorType::kTQ1_0:
      return SearchBlocks<BlockTQ1_0, kSuperBlock>(x, importance, blocks, n);
    case TensorType::kTQ2_0:
      return SearchBlocks<BlockTQ2_0, kSuperBlock>(x, importance, blocks, n);
    default:
      return Quantize(type, x, blocks, n);
  }
}

}  // namespace zell::quant
