#include "quant/pack_super.h"

#include "quant/fit.h"

namespace zell::quant {
void Pack(const float* x, const GroupScales<16>& scales, BlockQ2_K* block) {
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

void Pack(const float* x, const SignedGroupScales& scales, BlockQ3_K* block) {
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

namespace {

/// Q4_K, and Q5_K, whose fifth bits lie apart.
template <typename Block>
void PackWithMins(const float* x, const GroupScales<8>& scales, Block* block) {
  constexpr bool kFiveBits = requires { block->high; };
  block->scale_f16 = scales.scale_f16;
  block->min_f16 = scales.min_f16;
  for (size_t group = 0; group < 8; ++group, x += 32) {
    PackScaleAndMin(block->scales, static_cast<int>(group), scales.small[group]);
    const float inverse = InverseOrZero(scales.Scale(group)), min = scales.Min(group);
    uint8_t* q = block->q + group / 2 * 32;
    for (size_t i = 0; i < 32; ++i) {
      const int value = RoundInto((x[i] + min) * inverse, 0, kFiveBits ? 31 : 15);
      q[i] = WithBits(q[i], value & 15, group % 2 == 0 ? 0 : 4);
      if constexpr (kFiveBits) block->high[i] = WithBits(block->high[i], value >> 4, static_cast<int>(group));
    }
  }
}

}  // namespace

void Pack(const float* x, const GroupScales<8>& scales, BlockQ4_K* block) { PackWithMins(x, scales, block); }

void Pack(const float* x, const GroupScales<8>& scales, BlockQ5_K* block) { PackWithMins(x, scales, block); }

void Pack(const float* x, const SignedGroupScales& scales, BlockQ6_K* block) {
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

}  // namespace zell::quant
