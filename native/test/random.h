// Numbers of tests, by seed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/split_mix.h"

namespace zell::test {

class Random : public base::SplitMix64 {
 public:
  using SplitMix64::SplitMix64;
  /// About normal, mean 0, variance 1: four 16-bit uniforms (variance 1/12 each) in sum. Exact in f32 up to the last
  /// product.
  float Normal() {
    const uint64_t bits = Next();
    const int64_t sum =
        static_cast<int64_t>((bits & 0xffff) + (bits >> 16 & 0xffff) + (bits >> 32 & 0xffff) + (bits >> 48)) -
        2 * 0xffff;
    return static_cast<float>(sum) * (1.7320508f / 65536.0f);
  }
};

/// `n` of them, times `size`.
inline std::vector<float> Normals(size_t n, uint64_t seed, float size = 1) {
  Random random(seed);
  std::vector<float> x(n);
  for (float& v : x) v = size * random.Normal();
  return x;
}

}  // namespace zell::test
