// The values behind formats whose bits are indices: 4-bit tables, scales that are numbers of 8 bits, and the grids of
// the IQ formats. All of them are part of the file format.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "quant/blocks.h"

namespace zell::quant {

/// What a nibble of IQ4_NL and IQ4_XS stands for.
alignas(16) inline constexpr int8_t kIQ4Values[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                                      1,    13,   25,  38,  53,  69,  89,  113};
/// What a nibble of MXFP4 and NVFP4 stands for: twice the FP4 (E2M1) number, with its sign in bit 3. -0 is 0.
alignas(16) inline constexpr int8_t kFp4Values[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

/// 2^(exponent - 128): half of the E8M0 number of MXFP4, as kFp4Values are twice theirs.
inline float MxScale(uint8_t exponent) {
  return std::bit_cast<float>(exponent < 2 ? uint32_t{0x00200000} << exponent : uint32_t{exponent - 1u} << 23);
}

/// Half of the UE4M3 number of NVFP4 (bias 7, subnormals, bit 7 ignored); its NaN, 0x7f, is 0. Moved into the exponent
/// and mantissa of an f16, the bits mean 2^8 less.
inline float NvScale(uint8_t bits) {
  if (bits == 0x7f) return 0.0f;
  return F16ToF32(static_cast<uint16_t>((bits & 0x7f) << 7)) * 128.0f;
}

/// Seven signs and the eighth that makes the number of set bits even.
inline uint8_t EvenSigns(uint32_t seven) {
  return static_cast<uint8_t>((seven & 127) | (static_cast<uint32_t>(std::popcount(seven & 127)) & 1) << 7);
}

/// Byte j of an entry is the magnitude of weight j.
extern const std::array<uint64_t, 256> kGridIQ2_XXS;
extern const std::array<uint64_t, 512> kGridIQ2_XS;
extern const std::array<uint64_t, 1024> kGridIQ2_S;
extern const std::array<uint32_t, 256> kGridIQ3_XXS;
extern const std::array<uint32_t, 512> kGridIQ3_S;
/// Byte j of an entry is weight j plus 1: 0, 1 or 2.
extern const std::array<uint64_t, 2048> kGridIQ1;

}  // namespace zell::quant
