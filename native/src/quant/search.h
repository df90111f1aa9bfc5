// Searches for the scale (and min) of a group of weights that leave the least weighted squared error. Private to the
// room. Method: try a range of scales, round, solve for the best scale of those integers in closed form (weighted least
// squares), keep the best, then alternate rounding and solving until nothing moves.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "quant/fit.h"

namespace zell::quant {

constexpr size_t kMostInGroup = 256;  ///< weights that one search takes at most

/// Sums of one assignment of integers for w = scale * q.
struct SymmetricSums {
  float xq = 0.0f;  ///< sum of weight * x * q
  float qq = 0.0f;  ///< sum of weight * q²
  /// What the best scale takes off the error of all zeros.
  float gain() const { return qq > 0.0f ? xq * xq / qq : 0.0f; }
  float scale() const { return qq > 0.0f ? xq / qq : 0.0f; }
};

inline SymmetricSums RoundSymmetric(const float* x, const float* weight, size_t n, float inverse, int lowest,
                                    int highest, int8_t* q) {
  SymmetricSums sums;
  for (size_t i = 0; i < n; ++i) {
    q[i] = static_cast<int8_t>(RoundInto(x[i] * inverse, lowest, highest));
    const float wq = weight[i] * static_cast<float>(q[i]);
    sums.xq += wq * x[i];
    sums.qq += wq * static_cast<float>(q[i]);
  }
  return sums;
}

/// Scale of w = scale * q, q in [lowest, highest] ⊂ [-128, 127], lowest < 0; `q` gets the integers. 0 for zeros.
inline float SearchSymmetric(const float* x, const float* weight, size_t n, int lowest, int highest, int8_t* q) {
  const float max = SignedMax(x, n);
  const float unit = InverseOrZero(max);
  if (unit == 0.0f) {
    std::fill(q, q + n, int8_t{0});
    return 0.0f;
  }
  int8_t tried[kMostInGroup];
  SymmetricSums best;
  for (int step = -9; step <= 9; ++step) {
    const float inverse = (static_cast<float>(lowest) + 0.1f * static_cast<float>(step)) * unit;
    const SymmetricSums sums = RoundSymmetric(x, weight, n, inverse, lowest, highest, tried);
    if (step != -9 && !(sums.gain() > best.gain())) continue;
    best = sums;
    std::copy(tried, tried + n, q);
  }
  for (int round = 0; round < 8 && best.scale() != 0.0f; ++round) {
    const SymmetricSums sums = RoundSymmetric(x, weight, n, InverseOrZero(best.scale()), lowest, highest, tried);
    if (!(sums.gain() > best.gain())) break;
    best = sums;
    std::copy(tried, tried + n, q);
  }
  return best.scale();
}

/// The same for x ≥ 0 and q in [0, highest], highest ≤ 127.
inline float SearchPositive(const float* x, const float* weight, size_t n, int highest, int8_t* q) {
  const float unit = InverseOrZero(*std::max_element(x, x + n));
  int8_t tried[kMostInGroup];
  SymmetricSums best;
  std::fill(q, q + n, int8_t{0});
  if (unit == 0.0f) return 0.0f;
  for (int step = -9; step <= 9; ++step) {
    const float inverse = (static_cast<float>(highest) + 0.1f * static_cast<float>(step)) * unit;
    const SymmetricSums sums = RoundSymmetric(x, weight, n, inverse, 0, highest, tried);
    if (!(sums.gain() > best.gain())) continue;
    best = sums;
    std::copy(tried, tried + n, q);
  }
  return best.scale();
}

/// Scale ≥ 0 and offset of w = scale * q + offset.
struct ScaleOffset {
  float scale = 0.0f;
  float offset = 0.0f;
};

/// q in [0, highest], highest ≤ 127. With `offset_at_most_zero` the offset never gets positive (the K formats subtract
/// an unsigned min).
inline ScaleOffset SearchWithOffset(const float* x, const float* weight, size_t n, int highest,
                                    bool offset_at_most_zero, int8_t* q) {
  const auto [least, most] = std::minmax_element(x, x + n);
  const float low = offset_at_most_zero ? std::min(0.0f, *least) : *least, high = std::max(low, *most);
  std::fill(q, q + n, int8_t{0});
  if (InverseOrZero(high - low) == 0.0f) return {0.0f, low};
  float sum_w = 0.0f, sum_x = 0.0f;
  for (size_t i = 0; i < n; ++i) {
    sum_w += weight[i];
    sum_x += weight[i] * x[i];
  }
  int8_t tried[kMostInGroup];
  ScaleOffset best{(high - low) / static_cast<float>(highest), low};
  float best_error = INFINITY;
  // One assignment: rounds with `inverse` and `offset`, solves for both, keeps them when they are better.
  const auto attempt = [&](float inverse, float offset) {
    float sum_q = 0.0f, sum_qq = 0.0f, sum_xq = 0.0f;
    for (size_t i = 0; i < n; ++i) {
      tried[i] = static_cast<int8_t>(RoundInto((x[i] - offset) * inverse, 0, highest));
      const float value = static_cast<float>(tried[i]), wq = weight[i] * value;
      sum_q += wq;
      sum_qq += wq * value;
      sum_xq += wq * x[i];
    }
    const float determinant = sum_w * sum_qq - sum_q * sum_q;
    if (!(determinant > 0.0f)) return false;
    ScaleOffset fit{(sum_w * sum_xq - sum_x * sum_q) / determinant, (sum_qq * sum_x - sum_q * sum_xq) / determinant};
    if (offset_at_most_zero && fit.offset > 0.0f) fit = {sum_xq / sum_qq, 0.0f};
    if (!(fit.scale > 0.0f)) return false;
    float error = 0.0f;
    for (size_t i = 0; i < n; ++i) {
      const float off = fit.scale * static_cast<float>(tried[i]) + fit.offset - x[i];
      error += weight[i] * off * off;
    }
    if (!(error < best_error)) return false;
    best_error = error;
    best = fit;
    std::copy(tried, tried + n, q);
    return true;
  };
  for (int step = -10; step <= 20; ++step) {
    attempt((static_cast<float>(highest) + 0.1f * static_cast<float>(step)) / (high - low), low);
  }
  for (int round = 0; round < 8; ++round) {
    if (!attempt(InverseOrZero(best.scale), best.offset)) break;
  }
  return best;
}

}  // namespace zell::quant
