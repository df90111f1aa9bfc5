// The tile product with NEON: 8 rows x 8 columns fill 16 registers.
#include "kernels/target.h"
#include "train/gemm_kernels.h"

#if defined(ZELL_KERNELS_ARM64)
#include <arm_neon.h>

namespace zell::train {
namespace {

constexpr size_t kMr = 8, kNr = 8;

void Tile(size_t k, const float* a, const float* b, float* c, size_t ldc, size_t, bool add) {
  float32x4_t sums[kMr][2];
  ZELL_UNROLL
  for (size_t i = 0; i < kMr; ++i) sums[i][0] = sums[i][1] = vdupq_n_f32(0.0f);
  for (size_t p = 0; p < k; ++p, a += kMr, b += kNr) {
    const float32x4_t left = vld1q_f32(b), right = vld1q_f32(b + 4);
    ZELL_UNROLL
    for (size_t i = 0; i < kMr; ++i) {
      const float32x4_t row = vdupq_n_f32(a[i]);
      sums[i][0] = vfmaq_f32(sums[i][0], row, left);
      sums[i][1] = vfmaq_f32(sums[i][1], row, right);
    }
  }
  ZELL_UNROLL
  for (size_t i = 0; i < kMr; ++i) {
    ZELL_UNROLL
    for (size_t j = 0; j < 2; ++j) {
      float* to = c + i * ldc + 4 * j;
      vst1q_f32(to, add ? vaddq_f32(vld1q_f32(to), sums[i][j]) : sums[i][j]);
    }
  }
}

const GemmKernels kTable{"neon", kMr, kNr, Tile, PackLines, PackAcross};

}  // namespace

const GemmKernels& NeonGemm() { return kTable; }

}  // namespace zell::train
#endif
