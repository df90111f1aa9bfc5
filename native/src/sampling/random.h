// The generator behind sampling: xoshiro256** (Blackman and Vigna, 2018), its state filled by SplitMix64 from the seed.
// Integers only, so that a seed gives the same numbers on every machine and with every standard library.
#pragma once

#include <cstdint>

namespace zell::sampling::internal {

class Random {
 public:
  explicit Random(uint64_t seed) {
    for (uint64_t& word : state_) {
      seed += 0x9E3779B97F4A7C15;
      uint64_t z = seed;
      z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
      z = (z ^ z >> 27) * 0x94D049BB133111EB;
      word = z ^ z >> 31;
    }
  }

  uint64_t Next() {
    const uint64_t result = RotateLeft(state_[1] * 5, 7) * 9;
    const uint64_t t = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= t;
    state_[3] = RotateLeft(state_[3], 45);
    return result;
  }

  /// Uniform in [0, 1), a multiple of 2^-53.
  double NextUnit() { return static_cast<double>(Next() >> 11) * 0x1p-53; }

 private:
  static uint64_t RotateLeft(uint64_t x, int bits) { return x << bits | x >> (64 - bits); }
  uint64_t state_[4];
};

}  // namespace zell::sampling::internal
