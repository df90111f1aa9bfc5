// Nearest-rounding quantisers of the formats that are not plain integers with a scale or a min.
#include "quant/quantize_small.h"

#include <cstring>

#include "quant/codebooks.h"
#include "quant/fit.h"

namespace zell::quant {
namespace {

/// The nibble whose value is nearest to x.
int Nearest(const int8_t (&values)[16], float x) {
  int best = 0;
  for (int i = 1; i < 16; ++i) {
    if (std::fabs(x - static_cast<float>(values[i])) < std::fabs(x - static_cast<float>(values[best]))) best = i;
  }
  return best;
}

float TableError(const float* x, size_t n, const int8_t (&values)[16], float scale) {
  const float inverse = InverseOrZero(scale);
  float error = 0.0f;
  for (size_t i = 0; i < n; ++i) {
    const float off = x[i] - scale * static_cast<float>(values[Nearest(values, x[i] * inverse)]);
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
      const float scale = max / static_cast<float>(end) * narrowing, error = TableError(x, n, kIQ4Values, scale);
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
    const float error = TableError(x, n, kFp4Values, scale(static_cast<uint8_t>(i)));
    if (!(error < best_error)) continue;
    best = i;
    best_error = error;
  }
  return static_cast<uint8_t>(best);
}

/// Byte i gets the nibbles of weights i and i + n / 2.
void PutNibbles(const float* x, size_t n, const int8_t (&values)[16], float scale, uint8_t* q) {
  const float inverse = InverseOrZero(scale);
  for (size_t i = 0; i < n / 2; ++i) {
    q[i] = static_cast<uint8_t>(Nearest(values, x[i] * inverse) | Nearest(values, x[i + n / 2] * inverse) << 4);
  }
}

/// -1, 0 or 1 plus 1.
int Ternary(float x, float inverse) { return RoundInto(x * inverse, -1, 1) + 1; }

/// The byte whose digits are those: as digit n is read from the upper end of q * 3^n mod 256, q is their number in base
/// 3 of 243, stretched to 256 and rounded up.
uint8_t PackTernary(const int (&digits)[5]) {
  int number = 0;
  for (const int digit : digits) number = number * 3 + digit;
  return static_cast<uint8_t>((number * 256 + 242) / 243);
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
  block->scale_f16 = FiniteF16(std::fabs(SignedMax(x, kSuperBlock)));
  const float inverse = InverseOrZero(F16ToF32(block->scale_f16));
  const auto pack = [&](const float* first, int stride, int digits) {
    int digit[5] = {0, 0, 0, 0, 0};
    for (int n = 0; n < digits; ++n) digit[n] = Ternary(first[n * stride], inverse);
    return PackTernary(digit);
  };
  for (int i = 0; i < 32; ++i) block->q[i] = pack(x + i, 32, 5);
  for (int i = 0; i < 16; ++i) block->q[32 + i] = pack(x + 160 + i, 16, 5);
  for (int i = 0; i < 4; ++i) block->last[i] = pack(x + 240 + i, 4, 4);
}

void QuantizeBlock(const float* x, BlockTQ2_0* block) {
  block->scale_f16 = FiniteF16(std::fabs(SignedMax(x, kSuperBlock)));
  const float inverse = InverseOrZero(F16ToF32(block->scale_f16));
  for (int i = 0; i < 256; ++i) {
    uint8_t& q = block->q[i / 128 * 32 + i % 32];
    q = static_cast<uint8_t>(q | Ternary(x[i], inverse) << (i % 128 / 32 * 2));
  }
}

void QuantizeBlock(const float* x, BlockIQ4_NL* block) {
  block->scale_f16 = FiniteF16(FitIQ4(x, kSmallBlock));
  PutNibbles(x, kSmallBlock, kIQ4Values, F16ToF32(block->scale_f16), block->q);
}

void QuantizeBlock(const float* x, BlockIQ4_XS* block) {
  float fits[8];
  for (size_t group = 0; group < 8; ++group) fits[group] = FitIQ4(x + group * 32, 32);
  block->scale_f16 = FiniteF16(SignedMax(fits, 8) / -32.0f);
  const float d = F16ToF32(block->scale_f16), inverse = InverseOrZero(d);
  for (size_t group = 0; group < 8; ++group) {
    const int s = RoundInto(fits[group] * inverse, -32, 31);
    uint8_t& low = block->scales_low[group / 2];
    low = static_cast<uint8_t>(low | ((s + 32) & 15) << (group % 2 * 4));
    block->scales_high = static_cast<uint16_t>(block->scales_high | (s + 32) >> 4 << (group * 2));
    PutNibbles(x + group * 32, 32, kIQ4Values, d * static_cast<float>(s), block->q + group * 16);
  }
}

void QuantizeBlock(const float* x, BlockMXFP4* block) {
  const float max = std::fabs(SignedMax(x, kSmallBlock));
  // The largest value is 12 times the scale: the exponent below max / 8 and its neighbours. 252 is the last without
  // overflow.
  const int middle = max > 0.0f && std::isfinite(max) ? std::ilogb(max) - 3 + 128 : max > 0.0f ? 252 : 0;
  block->exponent = FitFp4(x, kSmallBlock, std::clamp(middle - 1, 0, 252), std::clamp(middle + 1, 0, 252), MxScale);
  PutNibbles(x, kSmallBlock, kFp4Values, MxScale(block->exponent), block->q);
}

void QuantizeBlock(const float* x, BlockNVFP4* block) {
  for (size_t group = 0; group < 4; ++group, x += 16) {
    const float wanted = std::fabs(SignedMax(x, 16)) / 12.0f;
    int code = 0;
    while (code < 126 && NvScale(static_cast<uint8_t>(code)) < wanted) ++code;
    block->scales[group] = FitFp4(x, 16, std::max(0, code - 2), code, NvScale);
    PutNibbles(x, 16, kFp4Values, NvScale(block->scales[group]), block->q + group * 8);
  }
}

}  // namespace zell::quant
