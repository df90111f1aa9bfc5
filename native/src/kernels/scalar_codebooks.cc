// Plain C++ unpacking of the ternary formats and of those whose bits are indices into codebooks.
#include <algorithm>
#include <cstring>

#include "kernels/scalar_blocks.h"
#include "quant/codebooks.h"

namespace zell::kernels {
namespace {

using quant::F16ToF32;
using quant::TensorType;

/// The n bytes of nibbles as values of a table plus `offset`: all low nibbles before all high ones.
void TableNibbles(const uint8_t* q, int n, const int8_t* values, int offset, uint8_t* u) {
  for (int i = 0; i < n; ++i) {
    u[i] = static_cast<uint8_t>(values[q[i] & 15] + offset);
    u[i + n] = static_cast<uint8_t>(values[q[i] >> 4] + offset);
  }
}

void Unpack(const quant::BlockIQ4_NL& b, UnpackedBlock& out) {
  out.scale[0] = F16ToF32(b.scale_f16);
  TableNibbles(b.q, 16, quant::kIQ4Values, 128, out.u);
}

void Unpack(const quant::BlockIQ4_XS& b, UnpackedBlock& out) {
  out.d = F16ToF32(b.scale_f16);
  for (int g = 0; g < 8; ++g) {
    const int s = (b.scales_low[g / 2] >> (g % 2 * 4) & 15) | (b.scales_high >> (g * 2) & 3) << 4;
    out.steps[g] = static_cast<int16_t>(s - 32);
    TableNibbles(b.q + g * 16, 16, quant::kIQ4Values, 128, out.u + g * 32);
  }
}

void Unpack(const quant::BlockMXFP4& b, UnpackedBlock& out) {
  out.scale[0] = quant::MxScale(b.exponent);
  TableNibbles(b.q, 16, quant::kFp4Values, 16, out.u);
}

void Unpack(const quant::BlockNVFP4& b, UnpackedBlock& out) {
  for (int g = 0; g < 4; ++g) {
    out.scale[g] = quant::NvScale(b.scales[g]);
    TableNibbles(b.q + g * 8, 8, quant::kFp4Values, 16, out.u + g * 16);
  }
}

void Unpack(const quant::BlockQ1_0& b, UnpackedBlock& out) {
  std::fill_n(out.scale, 4, F16ToF32(b.scale_f16));
  for (int i = 0; i < 128; ++i) out.u[i] = static_cast<uint8_t>((b.q[i / 8] >> (i % 8) & 1) * 2);
}

void Unpack(const quant::BlockQ2_0& b, UnpackedBlock& out) {
  std::fill_n(out.scale, 2, F16ToF32(b.scale_f16));
  for (int i = 0; i < 64; ++i) out.u[i] = b.q[i / 4] >> (i % 4 * 2) & 3;
}

uint8_t* TernaryDigits(const uint8_t* q, int count, int digits, uint8_t* u) {
  for (int n = 0, power = 1; n < digits; ++n, power *= 3) {
    for (int i = 0; i < count; ++i) *u++ = static_cast<uint8_t>((q[i] * power & 255) * 3 >> 8);
  }
  return u;
}

void Unpack(const quant::BlockTQ1_0& b, UnpackedBlock& out) {
  out.d = F16ToF32(b.scale_f16);
  std::fill_n(out.steps, 8, int16_t{1});
  TernaryDigits(b.last, 4, 4, TernaryDigits(b.q + 32, 16, 5, TernaryDigits(b.q, 32, 5, out.u)));
}

void Unpack(const quant::BlockTQ2_0& b, UnpackedBlock& out) {
  out.d = F16ToF32(b.scale_f16);
  std::fill_n(out.steps, 8, int16_t{1});
  for (int i = 0; i < 256; ++i) out.u[i] = b.q[i / 128 * 32 + i % 32] >> (i % 128 / 32 * 2) & 3;
}

/// The weights of one grid point: `offset` plus or minus its magnitudes.
template <typename Point>
void SignedPoint(Point point, uint32_t signs, int offset, uint8_t* u) {
  for (size_t j = 0; j < sizeof point; ++j) {
    const int magnitude = static_cast<int>(point >> (8 * j) & 255);
    u[j] = static_cast<uint8_t>((signs >> j & 1) != 0 ? offset - magnitude : offset + magnitude);
  }
}

/// Eight weights of IQ1 in eighths: 8 * (-1, 0 or 1) ± 1 + 16.
void Eighths(uint64_t point, bool less, uint8_t* u) {
  for (int j = 0; j < 8; ++j) u[j] = static_cast<uint8_t>((point >> (8 * j) & 255) * 8 + (less ? 7 : 9));
}

int16_t OddSteps(uint32_t s) { return static_cast<int16_t>(2 * s + 1); }

void Unpack(const quant::BlockIQ2_XXS& b, UnpackedBlock& out) {
  out.d = F16ToF32(b.scale_f16) * 0.125f;
  for (int g = 0; g < 8; ++g) {
    const uint8_t* index = b.q + g * 8;
    uint32_t rest;
    std::memcpy(&rest, index + 4, sizeof rest);
    out.steps[g] = OddSteps(rest >> 28);
    for (int i = 0; i < 4; ++i) {
      SignedPoint(quant::kGridIQ2_XXS[index[i]], quant::EvenSigns(rest >> (7 * i)), 64, out.u + g * 32 + i * 8);
    }
  }
}

void Unpack(const quant::BlockIQ2_XS& b, UnpackedBlock& out) {
  out.d = F16ToF32(b.scale_f16) * 0.125f;
  for (int g = 0; g < 16; ++g) out.steps[g] = OddSteps(b.scales[g / 2] >> (g % 2 * 4) & 15u);
  for (int i = 0; i < 32; ++i) {
    SignedPoint(quant::kGridIQ2_XS[b.q[i] & 511], quant::EvenSigns(b.q[i] >> 9), 64, out.u + i * 8);
  }
}

void Unpack(const quant::BlockIQ2_S& b, UnpackedBlock& out) {
  out.d = F16ToF32(b.scale_f16) * 0.125f;
  for (int g = 0; g < 16; ++g) out.steps[g] = OddSteps(b.scales[g / 2] >> (g % 2 * 4) & 15u);
  for (int i = 0; i < 32; ++i) {
    const size_t index = b.q[i] | static_cast<size_t>(b.high[i / 4] >> (i % 4 * 2) & 3) << 8;
    SignedPoint(quant::kGridIQ2_S[index], b.signs[i], 64, out.u + i * 8);
  }
}

void Unpack(const quant::BlockIQ3_XXS& b, UnpackedBlock& out) {
  out.d = F16ToF32(b.scale_f16) * 0.25f;
  for (int i = 0; i < 64; ++i) {
    uint32_t rest;
    std::memcpy(&rest, b.signs_scales + i / 8 * 4, sizeof rest);
    out.steps[i / 8] = OddSteps(rest >> 28);
    const uint32_t signs = quant::EvenSigns(rest >> (i % 8 / 2 * 7)) >> (i % 2 * 4);
    SignedPoint(quant::kGridIQ3_XXS[b.q[i]], signs, 64, out.u + i * 4);
  }
}

void Unpack(const quant::BlockIQ3_S& b, UnpackedBlock& out) {
  out.d = F16ToF32(b.scale_f16);
  for (int g = 0; g < 8; ++g) out.steps[g] = OddSteps(b.scales[g / 2] >> (g % 2 * 4) & 15u);
  for (int i = 0; i < 64; ++i) {
    const size_t index = b.q[i] | static_cast<size_t>(b.high[i / 8] >> (i % 8) & 1) << 8;
    SignedPoint(quant::kGridIQ3_S[index], static_cast<uint32_t>(b.signs[i / 2]) >> (i % 2 * 4), 16, out.u + i * 4);
  }
}

void Unpack(const quant::BlockIQ1_S& b, UnpackedBlock& out) {
  out.d = F16ToF32(b.scale_f16) * 0.125f;
  for (int i = 0; i < 32; ++i) {
    const uint32_t high = b.high[i / 4];
    out.steps[i / 4] = OddSteps(high >> 12 & 7);
    const size_t index = b.q[i] | static_cast<size_t>(high >> (i % 4 * 3) & 7) << 8;
    Eighths(quant::kGridIQ1[index], (high & 0x8000) != 0, out.u + i * 8);
  }
}

void Unpack(const quant::BlockIQ1_M& b, UnpackedBlock& out) {
  uint32_t scale_f16 = 0;
  for (int i = 0; i < 4; ++i) scale_f16 |= (static_cast<uint32_t>(b.scales[i]) >> 12) << (4 * i);
  out.d = F16ToF32(static_cast<uint16_t>(scale_f16)) * 0.125f;
  for (int g = 0; g < 16; ++g) {
    out.steps[g] = OddSteps(static_cast<uint32_t>(b.scales[g / 4]) >> (g % 4 * 3) & 7);
  }
  for (int i = 0; i < 32; ++i) {
    const int nibble = b.high[i / 2] >> (i % 2 * 4) & 15;
    Eighths(quant::kGridIQ1[b.q[i] | static_cast<size_t>(nibble & 7) << 8], (nibble & 8) != 0, out.u + i * 8);
  }
}

template <typename Block>
void LoadAndUnpack(const uint8_t* bytes, UnpackedBlock& out) {
  Block block;
  std::memcpy(&block, bytes, sizeof block);
  Unpack(block, out);
}

}  // namespace

void UnpackCodebookBlock(TensorType type, const uint8_t* block, UnpackedBlock& out) {
  switch (type) {
    case TensorType::kQ1_0:
      return LoadAndUnpack<quant::BlockQ1_0>(block, out);
    case TensorType::kQ2_0:
      return LoadAndUnpack<quant::BlockQ2_0>(block, out);
    case TensorType::kTQ1_0:
      return LoadAndUnpack<quant::BlockTQ1_0>(block, out);
    case TensorType::kTQ2_0:
      return LoadAndUnpack<quant::BlockTQ2_0>(block, out);
    case TensorType::kIQ4_NL:
      return LoadAndUnpack<quant::BlockIQ4_NL>(block, out);
    case TensorType::kIQ4_XS:
      return LoadAndUnpack<quant::BlockIQ4_XS>(block, out);
    case TensorType::kMXFP4:
      return LoadAndUnpack<quant::BlockMXFP4>(block, out);
    case TensorType::kNVFP4:
      return LoadAndUnpack<quant::BlockNVFP4>(block, out);
    case TensorType::kIQ1_S:
      return LoadAndUnpack<quant::BlockIQ1_S>(block, out);
    case TensorType::kIQ1_M:
      return LoadAndUnpack<quant::BlockIQ1_M>(block, out);
    case TensorType::kIQ2_XXS:
      return LoadAndUnpack<quant::BlockIQ2_XXS>(block, out);
    case TensorType::kIQ2_XS:
      return LoadAndUnpack<quant::BlockIQ2_XS>(block, out);
    case TensorType::kIQ2_S:
      return LoadAndUnpack<quant::BlockIQ2_S>(block, out);
    case TensorType::kIQ3_XXS:
      return LoadAndUnpack<quant::BlockIQ3_XXS>(block, out);
    case TensorType::kIQ3_S:
      return LoadAndUnpack<quant::BlockIQ3_S>(block, out);
    default:
      return;
  }
}

}  // namespace zell::kernels
