// An exponential function and a logarithm of our own: the C library's differ between systems in the last bit, and a
// sampled token may hang on that bit.
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

/// ln x for normal x > 0, within 1e-14 of it relative to max(1, |ln x|).
inline double Log(double x) {
  constexpr double kLn2 = 0x1.62e42fefa39efp-1;
  const uint64_t bits = std::bit_cast<uint64_t>(x);
  int exponent = static_cast<int>(bits >> 52) - 1023;
  double m = std::bit_cast<double>((bits & 0x000FFFFFFFFFFFFF) | 0x3FF0000000000000);
  if (m > 0x1.6a09e667f3bcdp+0) m /= 2, ++exponent;  // √2, so that m lies around 1
  // 2 artanh s, |s| ≤ 0.1716: the first dropped term is 2 s^21 / 21 = 1e-17.
  const double s = (m - 1) / (m + 1), square = s * s;
  double sum = 0;
  for (int power = 19; power >= 1; power -= 2) sum = sum * square + 2.0 / power;
  return sum * s + exponent * kLn2;
}

/// x^y for x > 0, within 1e-13 relative; 0 or +inf where that is out of range.
inline double Power(double x, double y) {
  const double exponent = y * Log(x);
  return exponent <= 0 ? ExpNonPositive(exponent) : 1 / ExpNonPositive(-exponent);
}

}  // namespace zell::sampling::internal
