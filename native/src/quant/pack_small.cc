#include "quant/pack_small.h"

#include <algorithm>
#include <numeric>

#include "quant/codebooks.h"
#include "quant/fit.h"
#include "quant/packing.h"

namespace zell::quant {
namespace {

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

void PutSmall(uint8_t* q, uint8_t* high, size_t i, int value) {
  q[i % 16] = WithBits(q[i % 16], value & 15, i < 16 ? 0 : 4);
  if (high != nullptr) high[i / 8] = WithBits(high[i / 8], value >> 4, static_cast<int>(i % 8));
}

Table::Table(const int8_t (&values)[16]) {
  std::iota(number, number + 16, uint8_t{0});
  std::stable_sort(number, number + 16, [&](uint8_t a, uint8_t b) { return values[a] < values[b]; });
  for (int i = 0; i < 16; ++i) ascending[i] = static_cast<float>(values[number[i]]);
  for (int i = 0; i < 15; ++i) middles[i] = (ascending[i] + ascending[i + 1]) / 2.0f;
}

// Counting the middles that x is above takes fifteen comparisons, all in vectors; a binary search takes four, with a
// branch each that nothing predicts.
void Table::Round(const float* x, size_t n, float inverse, float* nearest, uint8_t* index) const {
  float scaled[kSmallBlock];
  int32_t above[kSmallBlock] = {};
  for (size_t i = 0; i < n; ++i) scaled[i] = x[i] * inverse;
  for (const float middle : middles) {
    for (size_t i = 0; i < n; ++i) above[i] += scaled[i] > middle ? 1 : 0;
  }
  for (size_t i = 0; i < n; ++i) {
    if (nearest != nullptr) nearest[i] = ascending[above[i]];
    if (index != nullptr) index[i] = number[above[i]];
  }
}

const Table& IQ4Table() {
  static const Table table(kIQ4Values);
  return table;
}

const Table& Fp4Table() {
  static const Table table(kFp4Values);
  return table;
}

void PackNibbles(const float* x, size_t n, const Table& table, float scale, uint8_t* q) {
  uint8_t index[kSmallBlock];
  table.Round(x, n, InverseOrZero(scale), nullptr, index);
  for (size_t i = 0; i < n / 2; ++i) q[i] = static_cast<uint8_t>(index[i] | index[i + n / 2] << 4);
}

void Pack(const float* x, uint16_t scale_f16, const int* small, BlockIQ4_XS* block) {
  block->scale_f16 = scale_f16;
  const float d = F16ToF32(scale_f16);
  for (size_t group = 0; group < 8; ++group) {
    const int s = small[group] + 32;
    block->scales_low[group / 2] = WithBits(block->scales_low[group / 2], s & 15, static_cast<int>(group % 2 * 4));
    block->scales_high = static_cast<uint16_t>(block->scales_high | s >> 4 << (group * 2));
    PackNibbles(x + group * 32, 32, IQ4Table(), d * static_cast<float>(small[group]), block->q + group * 16);
  }
}

void Pack(const float* x, uint16_t scale_f16, BlockTQ1_0* block) {
  block->scale_f16 = scale_f16;
  const float inverse = InverseOrZero(F16ToF32(scale_f16));
  const auto pack = [&](const float* first, int stride, int digits) {
    int digit[5] = {0, 0, 0, 0, 0};
    for (int n = 0; n < digits; ++n) digit[n] = Ternary(first[n * stride], inverse);
    return PackTernary(digit);
  };
  for (int i = 0; i < 32; ++i) block->q[i] = pack(x + i, 32, 5);
  for (int i = 0; i < 16; ++i) block->q[32 + i] = pack(x + 160 + i, 16, 5);
  for (int i = 0; i < 4; ++i) block->last[i] = pack(x + 240 + i, 4, 4);
}

void Pack(const float* x, uint16_t scale_f16, BlockTQ2_0* block) {
  block->scale_f16 = scale_f16;
  const float inverse = InverseOrZero(F16ToF32(scale_f16));
  for (int i = 0; i < 256; ++i) {
    uint8_t& q = block->q[i / 128 * 32 + i % 32];
    q = static_cast<uint8_t>(q | Ternary(x[i], inverse) << (i % 128 / 32 * 2));
  }
}

}  // namespace zell::quant
