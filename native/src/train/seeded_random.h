// Random numbers of training: one seed gives the same adapter on every system.
#pragma once

#include <cstdint>

#include "base/split_mix.h"

namespace zell::train {

class Random : public base::SplitMix64 {
 public:
  using SplitMix64::SplitMix64;
  /// Uniform in [-1, 1), a multiple of 2^-23.
  float Symmetric() { return static_cast<float>(static_cast<int32_t>(Next() >> 40) - (1 << 23)) * 0x1p-23f; }
  /// Uniform in [0, n), n ≥ 1; the bias is below n / 2^64.
  uint64_t Below(uint64_t n) { return Next() % n; }
};

}  // namespace zell::train
