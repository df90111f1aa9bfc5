// The tile product in plain C++, and the choice between instruction sets.
#include "train/gemm_kernels.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernels/kernels.h"
#include "kernels/target.h"

namespace zell::train {
namespace {

constexpr size_t kMr = 4, kNr = 8;

void Tile(size_t k, const float* a, const float* b, float* c, size_t ldc, size_t, bool add) {
  float sums[kMr][kNr] = {};
  for (size_t p = 0; p < k; ++p, a += kMr, b += kNr) {
    for (size_t i = 0; i < kMr; ++i) {
      for (size_t j = 0; j < kNr; ++j) sums[i][j] = std::fma(a[i], b[j], sums[i][j]);
    }
  }
  for (size_t i = 0; i < kMr; ++i) {
    for (size_t j = 0; j < kNr; ++j) c[i * ldc + j] = add ? c[i * ldc + j] + sums[i][j] : sums[i][j];
  }
}

const GemmKernels kTable{"scalar", kMr, kNr, Tile, PackLines, PackAcross};

}  // namespace

void PackLines(const float* x, size_t stride, size_t lines, size_t k, size_t width, float* panel) {
  // Eight columns at a time: reads and writes both stay within a few cache lines.
  for (size_t begin = 0; begin < k; begin += 8) {
    const size_t end = std::min(k, begin + 8);
    for (size_t i = 0; i < lines; ++i) {
      for (size_t p = begin; p < end; ++p) panel[p * width + i] = x[i * stride + p];
    }
    for (size_t p = begin; lines < width && p < end; ++p) {
      std::fill(panel + p * width + lines, panel + (p + 1) * width, 0.0f);
    }
  }
}

void PackAcross(const float* x, size_t stride, size_t lines, size_t k, size_t width, float* panel) {
  for (size_t p = 0; p < k; ++p, x += stride, panel += width) {
    std::memcpy(panel, x, lines * sizeof(float));
    std::fill(panel + lines, panel + width, 0.0f);
  }
}

const GemmKernels& ScalarGemm() { return kTable; }

const GemmKernels& ActiveGemm() {
  switch (kernels::ActiveKernels().isa) {
#if defined(ZELL_KERNELS_X86)
    case kernels::Isa::kAvx2:
    case kernels::Isa::kAvx2Vnni:
      return Avx2Gemm();
    case kernels::Isa::kAvx512Vnni:
    case kernels::Isa::kAmx:
      return Avx512Gemm();
#elif defined(ZELL_KERNELS_ARM64)
    case kernels::Isa::kNeon:
    case kernels::Isa::kNeonDot:
    case kernels::Isa::kNeonI8mm:
      return NeonGemm();
#endif
    default:
      return ScalarGemm();
  }
}

}  // namespace zell::train
