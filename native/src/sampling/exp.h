// An exponential function of our own: the C library's differs between systems in the last bit, and a sampled token may
// hang on that bit.
#pragma once

#include <bit>
#include <cstdint>

namespace zell::sampling::internal {

/// e^x for x ≤ 0 within 1e-14 of its value; 0 below -700, NaN is not allowed. Branch-free, so that loops vectorise.
inline double ExpNonPositive(double x) {
  constexpr double kLog2E = 0x1.71547652b82fep0;
  constexpr double kLn2High = 0x1.62e42fefa38p-1;  // trailing zeros: n * kLn2High is exact for |n| < 2^11
  constexpr double kLn2Low = 0x1.ef35793c7673p-45;
  constexpr double kRound = 0x1.8p52;  // adding it leaves the nearest integer in the low bits
  const double clamped = x < -700.0 ? -700.0 : x;
  const double shifted = clamped * kLog2E + kRound;
  const double n = shifted - kRound;
  const double r = (clamped - n * kLn2High) - n * kLn2Low;  // |r| ≤ ln 2 / 2
  // Taylor to degree 11: the first dropped term is 0.3466^12 / 12! = 6.3e-15.
  double p = 1.0 / 39916800;
  p = p * r + 1.0 / 3628800;
  p = p * r + 1.0 / 362880;
  p = p * r + 1.0 / 40320;
  p = p * r + 1.0 / 5040;
  p = p * r + 1.0 / 720;
  p = p * r + 1.0 / 120;
  p = p * r + 1.0 / 24;
  p = p * r + 1.0 / 6;
  p = p * r + 0.5;
  p = p * r + 1.0;
  p = p * r + 1.0;
  const double scaled = std::bit_cast<double>(std::bit_cast<uint64_t>(p) + (std::bit_cast<uint64_t>(shifted) << 52));
  return x < -700.0 ? 0.0 : scaled;
}

}  // namespace zell::sampling::internal
