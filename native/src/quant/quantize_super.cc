// Two levels: fit every group, quantise the groups' scales to the super-block's, then round the weights to what the
// stored scales really mean.
#include "quant/quantize_super.h"

#include <array>
#include <cstring>

#include "quant/fit.h"
#include "quant/packing.h"

namespace zell::quant {
namespace {

/// The groups' scales and mins as small integers, times two f16 numbers.
template <size_t kGroups>
struct QuantizedScales {
  uint16_t scale_f16, min_f16;
  std::array<ScaleAndMin, kGroups> small;
  /// What a group's weights will be multiplied with and lowered by.
  ScaleMin Effective(size_t group) const {
    return {F16ToF32(scale_f16) * static_cast<float>(small[group].scale),
            F16ToF32(min_f16) * static_cast<float>(small[group].min)};
  }
};

/// `limit`: the largest small integer. `highest`: the largest q.
template <size_t kGroups>
QuantizedScales<kGroups> FitGroups(const float* x, int limit, int highest) {
  constexpr size_t kSize = kSuperBlock / kGroups;
  std::array<ScaleMin, kGroups> fits;
  ScaleMin max{0.0f, 0.0f};
  for (size_t group = 0; group < kGroups; ++group) {
    fits[group] = FitWithMin(x + group * kSize, kSize, highest);
    max = {std::max(max.scale, fits[group].scale), std::max(max.min, fits[group].min)};
  }
  QuantizedScales<kGroups> result;
  result.scale_f16 = FiniteF16(max.scale / static_cast<float>(limit));
  result.min_f16 = FiniteF16(max.min / static_cast<float>(limit));
  const float inverse_scale = InverseOrZero(F16ToF32(result.scale_f16));
  const float inverse_min = InverseOrZero(F16ToF32(result.min_f16));
  for (size_t group = 0; group < kGroups; ++group) {
    result.small[group] = {static_cast<uint8_t>(RoundInto(fits[group].scale * inverse_scale, 0, limit)),
                           static_cast<uint8_t>(RoundInto(fits[group].min * inverse_min, 0, limit))};
  }
  return result;
}

/// Scales of 16 groups as integers in [lowest, highest_scale], times one f16 number; q in [-q_half, q_half - 1].
struct SignedScales {
  uint16_t scale_f16;
  std::array<int, 16> small;
};

SignedScales FitSignedGroups(const float* x, int q_half, int lowest, int highest) {
  std::array<float, 16> fits;
  for (size_t group = 0; group < 16; ++group) fits[group] = FitSymmetric(x + group * 16, 16, -q_half, q_half - 1);
  SignedScales result;
  result.scale_f16 = FiniteF16(SignedMax(fits.data(), fits.size()) / static_cast<float>(lowest));
  const float inverse = InverseOrZero(F16ToF32(result.scale_f16));
  for (size_t group = 0; group < 16; ++group) result.small[group] = RoundInto(fits[group] * inverse, lowest, highest);
  return result;
}

uint8_t WithBits(uint8_t byte, int bits, int shift) { return static_cast<uint8_t>(byte | bits << shift); }

}  // namespace

void QuantizeBlock(const float* x, BlockQ2_K* block) {
  std::memset(block, 0, sizeof *block);
  const auto scales = FitGroups<16>(x, 15, 3);
  block->scale_f16 = scales.scale_f16;
  block->min_f16 = scales.min_f16;
  for (size_t group = 0; group < 16; ++group, x += 16) {
    const auto [scale, min] = scales.Effective(group);
    const float inverse = InverseOrZero(scale);
    block->scales[group] = WithBits(scales.small[group].scale, scales.small[group].min, 4);
    uint8_t* q = block->q + group / 8 * 32 + group % 2 * 16;
    const int shift = static_cast<int>(group % 8 / 2 * 2);
    for (size_t i = 0; i < 16; ++i) q[i] = WithBits(q[i], RoundInto((x[i] + min) * inverse, 0, 3), shift);
  }
}

void QuantizeBlock(const float* x, BlockQ3_K* block) {
  std::memset(block, 0, sizeof *block);
  const SignedScales scales = FitSignedGroups(x, 4, -32, 31);
  block->scale_f16 = scales.scale_f16;
  for (size_t group = 0; group < 16; ++group, x += 16) {
    PackQ3Scale(block->scales, static_cast<int>(group), scales.small[group] + 32);
    const float inverse = InverseOrZero(F16ToF32(scales.scale_f16) * static_cast<float>(scales.small[group]));
    uint8_t* q = block->q + group / 8 * 32 + group % 2 * 16;
    uint8_t* high = block->high + group % 2 * 16;
    for (size_t i = 0; i < 16; ++i) {
      const int value = RoundInto(x[i] * inverse, -4, 3) + 4;
      q[i] = WithBits(q[i], value & 3, static_cast<int>(group % 8 / 2 * 2));
      high[i] = WithBits(high[i], value >> 2, static_cast<int>(group / 2));
    }
  }
}

void QuantizeBlock(const float* x, BlockQ4_K* block) {
  std::memset(block, 0, sizeof *block);
  const auto scales = FitGroups<8>(x, 63, 15);
  block->scale_f16 = scales.scale_f16;
  block->min_f16 = scales.min_f16;
  for (size_t group = 0; group < 8; ++group, x += 32) {
    PackScaleAndMin(block->scales, static_cast<int>(group), scales.small[group]);
    const auto [scale, min] = scales.Effective(group);
    const float inverse = InverseOrZero(scale);
    uint8_t* q = block->q + group / 2 * 32;
    const int shift = group % 2 == 0 ? 0 : 4;
    for (size_t i = 0; i < 32; ++i) q[i] = WithBits(q[i], RoundInto((x[i] + min) * inverse, 0, 15), shift);
  }
}

void QuantizeBlock(const float* x, BlockQ5_K* block) {
  std::memset(block, 0, sizeof *block);
  const auto scales = FitGroups<8>(x, 63, 31);
  block->scale_f16 = scales.scale_f16;
  block->min_f16 = scales.min_f16;
  for (size_t group = 0; group < 8; ++group, x += 32) {
    PackScaleAndMin(block->scales, static_cast<int>(group), scales.small[group]);
    const auto [scale, min] = scales.Effective(group);
    const float inverse = InverseOrZero(scale);
    uint8_t* q = block->q + group / 2 * 32;
    for (size_t i = 0; i < 32; ++i) {
      const int value = RoundInto((x[i] + min) * inverse, 0, 31);
      q[i] = WithBits(q[i], value & 15, group % 2 == 0 ? 0 : 4);
      block->high[i] = WithBits(block->high[i], value >> 4, static_cast<int>(group));
    }
  }
}

void QuantizeBlock(const float* x, BlockQ6_K* block) {
  std::memset(block, 0, sizeof *block);
  const SignedScales scales = FitSignedGroups(x, 32, -128, 127);
  block->scale_f16 = scales.scale_f16;
  for (size_t group = 0; group < 16; ++group, x += 16) {
    block->scales[group] = static_cast<int8_t>(scales.small[group]);
    const float inverse = InverseOrZero(F16ToF32(scales.scale_f16) * static_cast<float>(scales.small[group]));
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

}  // namespace zell::quant
