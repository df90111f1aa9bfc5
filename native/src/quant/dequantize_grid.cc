// The scalar definitions of the IQ formats whose bits are indices into grids of four or eight weights.
#include <cstring>

#include "quant/codebooks.h"
#include "quant/dequantize_block.h"

namespace zell::quant {
namespace {

uint32_t Load32(const uint8_t* p) {
  uint32_t value;
  std::memcpy(&value, p, sizeof value);
  return value;
}

/// The weights of one grid point: magnitudes in the bytes of `point`, bit j of `signs` for weight j.
template <typename Point>
void DequantizePoint(Point point, uint32_t signs, float scale, float* y) {
  for (size_t j = 0; j < sizeof point; ++j) {
    const float magnitude = scale * static_cast<float>(point >> (8 * j) & 255);
    y[j] = (signs >> j & 1) != 0 ? -magnitude : magnitude;
  }
}

/// Eight weights of IQ1: grid ± 1/8.
void DequantizeThirds(uint64_t point, bool less, float scale, float* y) {
  const float delta = less ? -0.125f : 0.125f;
  for (int j = 0; j < 8; ++j) y[j] = scale * (static_cast<float>(static_cast<int>(point >> (8 * j) & 255) - 1) + delta);
}

float HalfSteps(float d, uint32_t s, float unit) { return d * (0.5f + static_cast<float>(s)) * unit; }
float OddSteps(float d, uint32_t s) { return d * static_cast<float>(2 * s + 1); }

}  // namespace

void DequantizeBlock(const BlockIQ2_XXS& b, float* y) {
  const float d = F16ToF32(b.scale_f16);
  for (int group = 0; group < 8; ++group) {
    const uint8_t* index = b.q + group * 8;
    const uint32_t rest = Load32(index + 4);
    const float scale = HalfSteps(d, rest >> 28, 0.25f);
    for (int i = 0; i < 4; ++i, y += 8) DequantizePoint(kGridIQ2_XXS[index[i]], EvenSigns(rest >> (7 * i)), scale, y);
  }
}

void DequantizeBlock(const BlockIQ2_XS& b, float* y) {
  const float d = F16ToF32(b.scale_f16);
  for (int i = 0; i < 32; ++i, y += 8) {
    const float scale = HalfSteps(d, b.scales[i / 4] >> (i % 4 / 2 * 4) & 15u, 0.25f);
    DequantizePoint(kGridIQ2_XS[b.q[i] & 511], EvenSigns(b.q[i] >> 9), scale, y);
  }
}

void DequantizeBlock(const BlockIQ2_S& b, float* y) {
  const float d = F16ToF32(b.scale_f16);
  for (int i = 0; i < 32; ++i, y += 8) {
    const float scale = HalfSteps(d, b.scales[i / 4] >> (i % 4 / 2 * 4) & 15u, 0.25f);
    const size_t index = b.q[i] | static_cast<size_t>(b.high[i / 4] >> (i % 4 * 2) & 3) << 8;
    DequantizePoint(kGridIQ2_S[index], b.signs[i], scale, y);
  }
}

void DequantizeBlock(const BlockIQ3_XXS& b, float* y) {
  const float d = F16ToF32(b.scale_f16);
  for (int group = 0; group < 8; ++group) {
    const uint32_t rest = Load32(b.signs_scales + group * 4);
    const float scale = HalfSteps(d, rest >> 28, 0.5f);
    for (int i = 0; i < 8; ++i, y += 4) {
      const uint32_t signs = EvenSigns(rest >> (i / 2 * 7)) >> (i % 2 * 4);
      DequantizePoint(kGridIQ3_XXS[b.q[group * 8 + i]], signs, scale, y);
    }
  }
}

void DequantizeBlock(const BlockIQ3_S& b, float* y) {
  const float d = F16ToF32(b.scale_f16);
  for (int i = 0; i < 64; ++i, y += 4) {
    const float scale = OddSteps(d, b.scales[i / 16] >> (i / 8 % 2 * 4) & 15u);
    const size_t index = b.q[i] | static_cast<size_t>(b.high[i / 8] >> (i % 8) & 1) << 8;
    DequantizePoint(kGridIQ3_S[index], static_cast<uint32_t>(b.signs[i / 2]) >> (i % 2 * 4), scale, y);
  }
}

void DequantizeBlock(const BlockIQ1_S& b, float* y) {
  const float d = F16ToF32(b.scale_f16);
  for (int i = 0; i < 32; ++i, y += 8) {
    const uint32_t high = b.high[i / 4];
    const size_t index = b.q[i] | static_cast<size_t>(high >> (i % 4 * 3) & 7) << 8;
    DequantizeThirds(kGridIQ1[index], (high & 0x8000) != 0, OddSteps(d, high >> 12 & 7), y);
  }
}

void DequantizeBlock(const BlockIQ1_M& b, float* y) {
  uint32_t scale_f16 = 0;
  for (int i = 0; i < 4; ++i) scale_f16 |= (static_cast<uint32_t>(b.scales[i]) >> 12) << (4 * i);
  const float d = F16ToF32(static_cast<uint16_t>(scale_f16));
  for (int i = 0; i < 32; ++i, y += 8) {
    const int nibble = b.high[i / 2] >> (i % 2 * 4) & 15;
    const size_t index = b.q[i] | static_cast<size_t>(nibble & 7) << 8;
    const uint32_t s = static_cast<uint32_t>(b.scales[i / 8]) >> (i / 2 % 4 * 3) & 7;
    DequantizeThirds(kGridIQ1[index], (nibble & 8) != 0, OddSteps(d, s), y);
  }
}

}  // namespace zell::quant
