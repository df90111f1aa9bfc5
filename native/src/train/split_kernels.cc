// The definition of split products in plain C++, and the choice between units.
#include "train/split_kernels.h"

#include <bit>
#include <cmath>

#include "base/cpu.h"
#include "kernels/kernels.h"
#include "kernels/target.h"

namespace zell::train {
namespace {

float ToFloat(uint16_t x) { return std::bit_cast<float>(static_cast<uint32_t>(x) << 16); }

/// To the nearest, ties to even; numbers below the normal ones become zero.
uint16_t ToBf16(float x) {
  const auto bits = std::bit_cast<uint32_t>(x);
  if ((bits & 0x7f800000) == 0) return static_cast<uint16_t>(bits >> 16 & 0x8000);
  if (std::isnan(x)) return static_cast<uint16_t>(bits >> 16 | 0x40);
  return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

void Put(SplitTile& out, size_t line, size_t k, bool right, float x) {
  const size_t i = right ? (k / 2 * kSplitLines + line) * 2 + k % 2 : line * kSplitDepth + k;
  out.hi[i] = ToBf16(x);
  out.lo[i] = ToBf16(x - ToFloat(out.hi[i]));
}

void Pack(const float* x, size_t line_stride, size_t depth_stride, size_t lines, size_t depth, bool right,
          SplitTile& out) {
  for (size_t i = 0; i < kSplitLines; ++i) {
    for (size_t k = 0; k < kSplitDepth; ++k) {
      Put(out, i, k, right, i < lines && k < depth ? x[i * line_stride + k * depth_stride] : 0.0f);
    }
  }
}

void PackLines(const float* x, size_t stride, size_t lines, size_t depth, bool right, SplitTile& out) {
  Pack(x, stride, 1, lines, depth, right, out);
}

void PackAcross(const float* x, size_t stride, size_t lines, size_t depth, bool right, SplitTile& out) {
  Pack(x, 1, stride, lines, depth, right, out);
}

float Flushed(float x) { return std::fpclassify(x) == FP_SUBNORMAL ? std::copysign(0.0f, x) : x; }

/// One instruction of the unit, for one element.
float Step(float sum, const uint16_t* row, const uint16_t* column) {
  float even = 0, odd = 0;
  for (size_t pair = 0; pair < kSplitDepth / 2; ++pair) {
    const uint16_t* b = column + pair * kSplitLines * 2;
    even = Flushed(std::fma(ToFloat(row[2 * pair]), ToFloat(b[0]), even));
    odd = Flushed(std::fma(ToFloat(row[2 * pair + 1]), ToFloat(b[1]), odd));
  }
  return Flushed(Flushed(sum) + Flushed(even + odd));
}

void Product(std::span<const SplitRun> runs, const SplitShape& shape, float* c, size_t ldc, bool add) {
  for (size_t i = 0; i < shape.rows * kSplitLines; ++i) {
    for (size_t j = 0; j < shape.columns * kSplitLines; ++j) {
      const size_t row = i % kSplitLines * kSplitDepth, column = j % kSplitLines * 2;
      float sum = add ? c[i * ldc + j] : 0.0f;
      for (const SplitRun& run : runs) {
        const SplitTile* left = run.a.tiles + i / kSplitLines * run.a.stride;
        const SplitTile* right = run.b.tiles + j / kSplitLines * run.b.stride;
        for (size_t s = 0; s < run.steps; ++s) {
          sum = Step(sum, left[s].hi + row, right[s].hi + column);
          sum = Step(sum, left[s].hi + row, right[s].lo + column);
          sum = Step(sum, left[s].lo + row, right[s].hi + column);
        }
      }
      c[i * ldc + j] = sum;
    }
  }
}

void AskNothing(const uint8_t*, size_t) {}
void Nothing() {}

const SplitKernels kTable{"scalar", PackLines, PackAcross, Product, AskNothing, Nothing, Nothing};

}  // namespace

const SplitKernels& ScalarSplit() { return kTable; }

bool HasFastSplit() {
#if defined(ZELL_KERNELS_X86)
  return kernels::ActiveKernels().isa == kernels::Isa::kAmx && base::Cpu().amx_bf16;
#else
  return false;
#endif
}

const SplitKernels& ActiveSplit() {
#if defined(ZELL_KERNELS_X86)
  if (HasFastSplit()) return AmxSplit();
#endif
  return kTable;
}

}  // namespace zell::train
