// How the K formats pack their group scales. Private to the room.
#pragma once

#include <cstdint>

namespace zell::quant {

/// `byte` with `bits` set from bit `shift` on, where it has none.
inline uint8_t WithBits(uint8_t byte, int bits, int shift) { return static_cast<uint8_t>(byte | bits << shift); }

struct ScaleAndMin {
  uint8_t scale;  ///< [0, 63]
  uint8_t min;    ///< [0, 63]
};

/// Q4_K, Q5_K: scale and min of group j in [0, 8). Bytes 0-3 and 4-7 hold those of the first four groups in their low
/// 6 bits; bytes 8-11 hold the low nibbles of the last four, whose upper two bits fill what bytes 0-7 leave free.
inline ScaleAndMin UnpackScaleAndMin(const uint8_t* packed, int j) {
  if (j < 4) return {static_cast<uint8_t>(packed[j] & 63), static_cast<uint8_t>(packed[j + 4] & 63)};
  const uint8_t low = packed[j + 4];
  return {static_cast<uint8_t>((low & 15) | (packed[j - 4] >> 6) << 4),
          static_cast<uint8_t>(low >> 4 | (packed[j] >> 6) << 4)};
}

/// The reverse; `packed` must be zero before the first group.
inline void PackScaleAndMin(uint8_t* packed, int j, ScaleAndMin v) {
  if (j < 4) {
    packed[j] = static_cast<uint8_t>(packed[j] | v.scale);
    packed[j + 4] = static_cast<uint8_t>(packed[j + 4] | v.min);
    return;
  }
  packed[j + 4] = static_cast<uint8_t>((v.scale & 15) | (v.min & 15) << 4);
  packed[j - 4] = static_cast<uint8_t>(packed[j - 4] | (v.scale >> 4) << 6);
  packed[j] = static_cast<uint8_t>(packed[j] | (v.min >> 4) << 6);
}

/// Q3_K: the 6 bits of group j in [0, 16), to be read as s - 32. Bytes 0-7 hold low nibbles (group j and j + 8), bytes
/// 8-11 the upper two bits (four groups each).
inline int UnpackQ3Scale(const uint8_t* packed, int j) {
  const int low = j < 8 ? packed[j] & 15 : packed[j - 8] >> 4;
  const int high = packed[8 + j % 4] >> (2 * (j / 4)) & 3;
  return low | high << 4;
}

/// The reverse; `packed` must be zero before the first group.
inline void PackQ3Scale(uint8_t* packed, int j, int scale) {
  uint8_t& low = packed[j % 8];
  low = static_cast<uint8_t>(low | (scale & 15) << (j < 8 ? 0 : 4));
  uint8_t& high = packed[8 + j % 4];
  high = static_cast<uint8_t>(high | (scale >> 4 & 3) << (2 * (j / 4)));
}

}  // namespace zell::quant
