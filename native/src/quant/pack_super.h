// How super-blocks of 256 weights are written once the scales of their groups are known: every weight is rounded to
// what the stored scales really mean. Shared by both quantisers. Private to the room.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "quant/blocks.h"
#include "quant/packing.h"

namespace zell::quant {

/// Scales and mins of a super-block's groups as small integers, and the two f16 numbers they multiply.
template <size_t kGroups>
struct GroupScales {
  uint16_t scale_f16 = 0, min_f16 = 0;
  std::array<ScaleAndMin, kGroups> small{};
  float Scale(size_t group) const { return F16ToF32(scale_f16) * static_cast<float>(small[group].scale); }
  float Min(size_t group) const { return F16ToF32(min_f16) * static_cast<float>(small[group].min); }
};

/// Scales of 16 groups as signed integers, times one f16 number.
struct SignedGroupScales {
  uint16_t scale_f16 = 0;
  std::array<int, 16> small{};
  float Scale(size_t group) const { return F16ToF32(scale_f16) * static_cast<float>(small[group]); }
};

// `block` is all zeros before.
void Pack(const float* x, const GroupScales<16>& scales, BlockQ2_K* block);
void Pack(const float* x, const SignedGroupScales& scales, BlockQ3_K* block);
void Pack(const float* x, const GroupScales<8>& scales, BlockQ4_K* block);
void Pack(const float* x, const GroupScales<8>& scales, BlockQ5_K* block);
void Pack(const float* x, const SignedGroupScales& scales, BlockQ6_K* block);

}  // namespace zell::quant
