// Shared by the quantisers: rounding into a range, and the search for a group's scale. Private to the room.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "quant/blocks.h"

namespace zell::quant {

/// x to the nearest integer in [lowest, highest]; NaN gives the lowest.
inline int RoundInto(float x, int lowest, int highest) {
  if (!(x > static_cast<float>(lowest))) return lowest;
  if (x >= static_cast<float>(highest)) return highest;
  return static_cast<int>(std::nearbyint(x));
}

/// 1 / x, and 0 for an x so small that its inverse is not a number to work with.
inline float InverseOrZero(float x) {
  const float inverse = 1.0f / x;
  return std::isfinite(inverse) ? inverse : 0.0f;
}

/// The nearest finite f16.
inline uint16_t FiniteF16(float x) { return F32ToF16(std::isnan(x) ? 0.0f : std::clamp(x, -65504.0f, 65504.0f)); }

/// The value of largest magnitude, with its sign.
inline float SignedMax(const float* x, size_t n) {
  float max = 0.0f;
  for (size_t i = 0; i < n; ++i) {
    if (std::fabs(x[i]) > std::fabs(max)) max = x[i];
  }
  return max;
}

/// How far the search narrows a group's range: clipping an outlier a little often serves the other weights.
constexpr float kNarrowings[] = {1.0f, 0.95f, 0.9f, 0.85f, 0.8f};

/// The scale of w = scale * q, q in [lowest, highest], lowest = -(highest + 1), with the least squared error among the
/// narrowings. The value of largest magnitude falls on `lowest`, so the scale's sign is opposite to its sign.
inline float FitSymmetric(const float* x, size_t n, int lowest, int highest) {
  const float full = SignedMax(x, n) / static_cast<float>(lowest);
  float best = full, best_error = INFINITY;
  for (const float narrowing : kNarrowings) {
    const float scale = full * narrowing, inverse = InverseOrZero(scale);
    float error = 0.0f;
    for (size_t i = 0; i < n; ++i) {
      const float off = x[i] - scale * static_cast<float>(RoundInto(x[i] * inverse, lowest, highest));
      error += off * off;
    }
    if (error < best_error) {
      best = scale;
      best_error = error;
    }
  }
  return best;
}

struct ScaleMin {
  float scale;  ///< ≥ 0
  float min;    ///< ≥ 0, subtracted
};

/// Scale and min of w = scale * q - min, q in [0, highest], likewise.
inline ScaleMin FitWithMin(const float* x, size_t n, int highest) {
  const float low = std::min(0.0f, *std::min_element(x, x + n)), high = std::max(0.0f, *std::max_element(x, x + n));
  ScaleMin best{(high - low) / static_cast<float>(highest), -low};
  float best_error = INFINITY;
  for (const float narrowing : kNarrowings) {
    const ScaleMin fit{(high - low) * narrowing / static_cast<float>(highest), -low * narrowing};
    const float inverse = InverseOrZero(fit.scale);
    float error = 0.0f;
    for (size_t i = 0; i < n; ++i) {
      const int q = RoundInto((x[i] + fit.min) * inverse, 0, highest);
      const float off = x[i] - (fit.scale * static_cast<float>(q) - fit.min);
      error += off * off;
    }
    if (error < best_error) {
      best = fit;
      best_error = error;
    }
  }
  return best;
}

}  // namespace zell::quant
