// The second half of a low-rank addition, B u, and how B lies in memory for it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace zell::kernels {

/// How the numbers of B are kept.
enum class LowRankType {
  kF32,
  kF16,
  kInt8  ///< with an F16 scale for each row
};

/// Rows of B that lie together, a panel: the scales of the rows (kInt8 only), then for each of the `rank` columns the
/// numbers of all rows. Rows that a matrix does not have are 0.
constexpr size_t kLowRankRows = 32;

constexpr size_t LowRankScaleBytes(LowRankType type) { return type == LowRankType::kInt8 ? 2 * kLowRankRows : 0; }
constexpr size_t LowRankPanelBytes(LowRankType type, size_t rank) {
  const size_t value_bytes = type == LowRankType::kF32 ? 4 : type == LowRankType::kF16 ? 2 : 1;
  return LowRankScaleBytes(type) + rank * kLowRankRows * value_bytes;
}

/// y[c * y_stride + r] += scales[c] * factor * row scale * sum over j < rank of u[c * u_stride + j] * B[r][j], for r in
/// [0, rows), c in [0, cols). b: whole panels of any alignment, the first begins with row 0. Strides in floats.
struct LowRankArgs {
  const uint8_t* b;
  LowRankType type;
  size_t rank;
  size_t rows;
  const float* u;
  size_t u_stride;
  const float* scales;
  float factor;
  size_t cols;
  float* y;
  size_t y_stride;
};

}  // namespace zell::kernels
