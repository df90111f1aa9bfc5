// Nearest-rounding quantisers of the formats that are not plain integers with a scale or a min.
#include "quant/quantize_small.h"

#include "quant/codebooks.h"
#include "quant/fit.h"
#include "quant/pack_small.h"

namespace zell::quant {
namespace {

float TableError(const float* x, size_t n, const Table& table, float scale) {
  float nearest[kSmallBlock], error = 0.0f;
  table.Round(x, n, InverseOrZero(scale), nearest, nullptr);
  for (size_t i = 0; i < n; ++i) {
    const float off = x[i] - scale * nearest[i];
    error += off * off;
  }
  return error;
}

/// The scale with the least squared error among those that put the largest magnitude near one end of the IQ4 table.
float FitIQ4(const float* x, size_t n) {
  const float max = SignedMax(x, n);
  float best = max / static_cast<float>(kIQ4Values[0]), best_error = INFINITY;
  for (const int8_t end : {kIQ4Values[0], kIQ4Values[15]}) {
    for (const float narrowing : kNarrowings) {
      const float scale = max / static_cast<float>(end) * narrowing, error = TableError(x, n, IQ4Table(), scale);
      if (error < best_error) {
        best = scale;
        best_error = error;
      }
    }
  }
  return best;
}

/// The scale, of those numbered `first` … `last`, with the least squared error; the last when no error is a number.
uint8_t FitFp4(const float* x, size_t n, int first, int last, float (*scale)(uint8_t)) {
  int best = last;
  float best_error = INFINITY;
  for (int i = first; i <= last; ++i) {
    const float error = TableError(x, n, Fp4Table(), scale(static_cast<uint8_t>(i)));
    if (!(error < best_error)) continue;
    best = i;
    best_error = error;
  }
  return static_cast<uint8_t>(best);
}

}  // namespace

void QuantizeBlock(const float* x, BlockQ8_1* block) {
  block->scale_f16 = FiniteF16(std::fabs(SignedMax(x, kSmallBlock)) / 127.0f);
  const float scale = F16ToF32(block->scale_f16), inverse = InverseOrZero(scale);
  int sum = 0;
  for (size_t i = 0; i < kSmallBlock; ++i) {
    block->q[i] = static_cast<int8_t>(RoundInto(x[i] * inverse, -127, 127));
    sum += block->q[i];
  }
  block->scaled_sum_f16 = FiniteF16(scale * static_cast<float>(sum));
}

void QuantizeBlock(const float* x, BlockQ8_K* block) {
  const float max = std::min(std::fabs(SignedMax(x, kSuperBlock)), 3e38f);
  block->scale = max / 127.0f;
  const float inverse = InverseOrZero(block->scale);
  for (size_t i = 0; i < kSuperBlock; ++i) {
    block->q[i] = static_cast<int8_t>(RoundInto(x[i] * inverse, -127, 127));
    block->sums[i / 16] = static_cast<int16_t>(block->sums[i / 16] + block->q[i]);
  }
}

void QuantizeBlock(const float* x, BlockQ1_0* block) {
  float sum = 0.0f;
  for (int i = 0; i < 128; ++i) sum += std::fabs(x[i]);
  block->scale_f16 = FiniteF16(sum / 128.0f);
  for (int i = 0; i < 128; ++i) {
    block->q[i / 8] = static_cast<uint8_t>(block->q[i / 8] | (x[i] >= 0.0f ? 1 : 0) << (i % 8));
  }
}

void QuantizeBlock(const float* x, BlockQ2_0* block) {
  block->scale_f16 = FiniteF16(SignedMax(x, 64) / 2.0f);
  const float inverse = InverseOrZero(F16ToF32(block->scale_f16));
  for (int i = 0; i < 64; ++i) {
    const int q = RoundInto(x[i] * inverse, -1, 2) + 1;
    block->q[i / 4] = static_cast<uint8_t>(block->q[i / 4] | q << (i % 4 * 2));
  }
}

void QuantizeBlock(const float* x, BlockTQ1_0* block) {
  Pack(x, FiniteF16(std::fabs(SignedMax(x, kSuperBlock))), block);
}

void QuantizeBlock(const float* x, BlockTQ2_0* block) {
  Pack(x, FiniteF16(std::fabs(SignedMax(x, kSuperBlock))), block);
}

void QuantizeBlock(const float* x, BlockIQ4_NL* block) {
  block->scale_f16 = FiniteF16(FitIQ4(x, kSmallBlock));
  PackNibbles(x, kSmallBlock, IQ4Table(), F16ToF32(block->scale_f16), block->q);
}

void QuantizeBlock(const float* x, BlockIQ4_XS* block) {
  float fits[8];
  for (size_t group = 0; group < 8; ++group) fits[group] = FitIQ4(x + group * 32, 32);
  const uint16_t scale_f16 = FiniteF16(SignedMax(fits, 8) / -32.0f);
  const float inverse = InverseOrZero(F16ToF32(scale_f16));
  int small[8];
  for (size_t group = 0; group < 8; ++group) small[group] = RoundInto(fits[group] * inverse, -32, 31);
  Pack(x, scale_f16, small, block);
}

void QuantizeBlock(const float* x, BlockMXFP4* block) {
  const float max = std::fabs(SignedMax(x, kSmallBlock));
  // The largest value is 12 times the scale: the exponent below max / 8 and its neighbours. 252 is the last without
  // overflow.
  const int middle = max > 0.0f && std::isfinite(max) ? std::ilogb(max) - 3 + 128 : max > 0.0f ? 252 : 0;
  block->exponent = FitFp4(x, kSmallBlock, std::clamp(middle - 1, 0, 252), std::clamp(middle + 1, 0, 252), MxScale);
  PackNibbles(x, kSmallBlock, Fp4Table(), MxScale(block->exponent), block->q);
}

void QuantizeBlock(const float* x, BlockNVFP4* block) {
  for (size_t group = 0; group < 4; ++group, x += 16) {
    const float wanted = std::fabs(SignedMax(x, 16)) / 12.0f;
    int code = 0;
    while (code < 126 && NvScale(static_cast<uint8_t>(code)) < wanted) ++code;
    block->scales[group] = FitFp4(x, 16, std::max(0, code - 2), code, NvScale);
    PackNibbles(x, 16, Fp4Table(), NvScale(block->scales[group]), block->q + group * 8);
  }
}

}  // namespace zell::quant
