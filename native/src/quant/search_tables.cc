#include "quant/search_tables.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "quant/codebooks.h"
#include "quant/fit.h"
#include "quant/pack_small.h"
#include "quant/search.h"

namespace zell::quant {
namespace {

/// Scale of w = scale * table[q] for 32 weights; `found` gets what they round to.
float SearchTable(const float* x, const float* weight, const Table& table, float* found) {
  const float unit = InverseOrZero(SignedMax(x, kSmallBlock));
  std::fill(found, found + kSmallBlock, 0.0f);
  if (unit == 0.0f) return 0.0f;
  float tried[kSmallBlock];
  SymmetricSums best;
  const auto attempt = [&](float inverse) {
    table.Round(x, kSmallBlock, inverse, tried, nullptr);
    SymmetricSums sums;
    for (size_t i = 0; i < kSmallBlock; ++i) {
      const float wq = weight[i] * tried[i];
      sums.xq += wq * x[i];
      sums.qq += wq * tried[i];
    }
    if (!(sums.gain() > best.gain())) return false;
    best = sums;
    std::copy(tried, tried + kSmallBlock, found);
    return true;
  };
  // The largest weight falls near either end of the table.
  for (const float end : {table.ascending[0], table.ascending[15]}) {
    for (int step = -7; step <= 7; ++step) attempt(end * (1.0f + 0.025f * static_cast<float>(step)) * unit);
  }
  for (int round = 0; round < 8; ++round) {
    if (!attempt(InverseOrZero(best.scale()))) break;
  }
  return best.scale();
}

/// The scale of a ternary block. Which weights round to ±scale is a question of their size alone, so that every
/// candidate is "the k largest", whose best scale is their weighted mean size.
float SearchTernary(const float* x, const float* weight) {
  std::array<uint16_t, kSuperBlock> order;
  std::array<float, kSuperBlock> size;
  for (size_t i = 0; i < kSuperBlock; ++i) size[i] = x[i] == x[i] ? std::fabs(x[i]) : 0.0f;
  std::iota(order.begin(), order.end(), uint16_t{0});
  std::sort(order.begin(), order.end(),
            [&](uint16_t a, uint16_t b) { return size[a] != size[b] ? size[a] > size[b] : a < b; });
  double sum_wx = 0, sum_w = 0, best_gain = 0, best = 0;
  for (const uint16_t i : order) {
    sum_wx += double{weight[i]} * size[i];
    sum_w += weight[i];
    if (!(sum_wx * sum_wx > best_gain * sum_w)) continue;
    best_gain = sum_wx * sum_wx / sum_w;
    best = sum_wx / sum_w;
  }
  return static_cast<float>(best);
}

float TableError(const float* x, const float* weight, const Table& table, float scale) {
  float nearest[kSmallBlock], error = 0.0f;
  table.Round(x, kSmallBlock, InverseOrZero(scale), nearest, nullptr);
  for (size_t i = 0; i < kSmallBlock; ++i) {
    const float off = x[i] - scale * nearest[i];
    error += weight[i] * off * off;
  }
  return error;
}

}  // namespace

void SearchBlock(const float* x, const float* weight, BlockIQ4_NL* block) {
  float found[kSmallBlock];
  block->scale_f16 = FiniteF16(SearchTable(x, weight, IQ4Table(), found));
  PackNibbles(x, kSmallBlock, IQ4Table(), F16ToF32(block->scale_f16), block->q);
}

void SearchBlock(const float* x, const float* weight, BlockIQ4_XS* block) {
  float scales[8], scale_weight[8];
  for (size_t group = 0; group < 8; ++group) {
    float found[kSmallBlock];
    const float* w = weight + group * kSmallBlock;
    scales[group] = SearchTable(x + group * kSmallBlock, w, IQ4Table(), found);
    scale_weight[group] = 0.0f;
    for (size_t i = 0; i < kSmallBlock; ++i) scale_weight[group] += w[i] * found[i] * found[i];
  }
  int8_t small[8];
  const uint16_t scale_f16 = FiniteF16(SearchSymmetric(scales, scale_weight, 8, -32, 31, small));
  const float inverse = InverseOrZero(F16ToF32(scale_f16));
  int rounded[8];
  for (size_t group = 0; group < 8; ++group) rounded[group] = RoundInto(scales[group] * inverse, -32, 31);
  Pack(x, scale_f16, rounded, block);
}

void SearchBlock(const float* x, const float* weight, BlockMXFP4* block) {
  const float max = std::min(std::fabs(SignedMax(x, kSmallBlock)), 3e38f);
  if (!(max > 0.0f)) return;
  // Twelve times the scale is the largest value: exponents around the one that puts `max` between 8 and 16 scales. 252
  // is the last without overflow.
  const int middle = std::ilogb(max) - 3 + 128;
  float best_error = INFINITY;
  for (int exponent = std::clamp(middle - 2, 0, 252); exponent <= std::clamp(middle + 1, 0, 252); ++exponent) {
    const float error = TableError(x, weight, Fp4Table(), MxScale(static_cast<uint8_t>(exponent)));
    if (!(error < best_error)) continue;
    best_error = error;
    block->exponent = static_cast<uint8_t>(exponent);
  }
  PackNibbles(x, kSmallBlock, Fp4Table(), MxScale(block->exponent), block->q);
}

void SearchBlock(const float* x, const float* weight, BlockTQ1_0* block) {
  Pack(x, FiniteF16(SearchTernary(x, weight)), block);
}

void SearchBlock(const float* x, const float* weight, BlockTQ2_0* block) {
  Pack(x, FiniteF16(SearchTernary(x, weight)), block);
}

}  // namespace zell::quant
