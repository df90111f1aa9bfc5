// Two levels: fit every group, quantise the groups' scales to the super-block's, then round the weights to what the
// stored scales really mean.
#include "quant/quantize_super.h"

#include <array>

#include "quant/fit.h"
#include "quant/pack_super.h"

namespace zell::quant {
namespace {

/// `limit`: the largest small integer. `highest`: the largest q.
template <size_t kGroups>
GroupScales<kGroups> FitGroups(const float* x, int limit, int highest) {
  constexpr size_t kSize = kSuperBlock / kGroups;
  std::array<ScaleMin, kGroups> fits;
  ScaleMin max{0.0f, 0.0f};
  for (size_t group = 0; group < kGroups; ++group) {
    fits[group] = FitWithMin(x + group * kSize, kSize, highest);
    max = {std::max(max.scale, fits[group].scale), std::max(max.min, fits[group].min)};
  }
  GroupScales<kGroups> result;
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

/// Of 16 groups, as integers in [lowest, highest].
SignedGroupScales FitSignedGroups(const float* x, int q_half, int lowest, int highest) {
  std::array<float, 16> fits;
  for (size_t group = 0; group < 16; ++group) fits[group] = FitSymmetric(x + group * 16, 16, -q_half, q_half - 1);
  SignedGroupScales result;
  result.scale_f16 = FiniteF16(SignedMax(fits.data(), fits.size()) / static_cast<float>(lowest));
  const float inverse = InverseOrZero(F16ToF32(result.scale_f16));
  for (size_t group = 0; group < 16; ++group) result.small[group] = RoundInto(fits[group] * inverse, lowest, highest);
  return result;
}

}  // namespace

void QuantizeBlock(const float* x, BlockQ2_K* block) {
  *block = {};
  Pack(x, FitGroups<16>(x, 15, 3), block);
}

void QuantizeBlock(const float* x, BlockQ3_K* block) {
  *block = {};
  Pack(x, FitSignedGroups(x, 4, -32, 31), block);
}

void QuantizeBlock(const float* x, BlockQ4_K* block) {
  *block = {};
  Pack(x, FitGroups<8>(x, 63, 15), block);
}

void QuantizeBlock(const float* x, BlockQ5_K* block) {
  *block = {};
  Pack(x, FitGroups<8>(x, 63, 31), block);
}

void QuantizeBlock(const float* x, BlockQ6_K* block) {
  *block = {};
  Pack(x, FitSignedGroups(x, 32, -128, 127), block);
}

}  // namespace zell::quant
