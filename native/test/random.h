// Numbers that depend on nothing but the seed: the standard library's distributions differ between systems.
#pragma once

#include <cstdint>

namespace zell::test {

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  /// SplitMix64.
  uint64_t Next() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
  }
  /// About normal, mean 0, variance 1: four 16-bit uniforms (variance 1/12 each) in sum. Exact in f32 up to the last
  /// product.
  float Normal() {
    const uint64_t bits = Next();
    const int64_t sum =
        static_cast<int64_t>((bits & 0xffff) + (bits >> 16 & 0xffff) + (bits >> 32 & 0xffff) + (bits >> 48)) -
        2 * 0xffff;
    return static_cast<float>(sum) * (1.7320508f / 65536.0f);
  }

 private:
  uint64_t state_;
};

}  // namespace zell::test
