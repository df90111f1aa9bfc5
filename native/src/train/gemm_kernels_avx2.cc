// The tile product with AVX2 and FMA: 6 rows x 16 columns fill 12 registers.
#include "kernels/target.h"
#include "train/gemm_kernels.h"

#if defined(ZELL_KERNELS_X86)
#include <immintrin.h>

#define ZELL_AVX2 ZELL_TARGET_AVX2

namespace zell::train {
namespace {

constexpr size_t kMr = 6, kNr = 16;

ZELL_AVX2 void Tile(size_t k, const float* a, const float* b, float* c, size_t ldc, size_t, bool add) {
  __m256 sums[kMr][2];
  ZELL_UNROLL
  for (size_t i = 0; i < kMr; ++i) sums[i][0] = sums[i][1] = _mm256_setzero_ps();
  for (size_t p = 0; p < k; ++p, a += kMr, b += kNr) {
    const __m256 left = _mm256_loadu_ps(b), right = _mm256_loadu_ps(b + 8);
    ZELL_UNROLL
    for (size_t i = 0; i < kMr; ++i) {
      const __m256 row = _mm256_broadcast_ss(a + i);
      sums[i][0] = _mm256_fmadd_ps(row, left, sums[i][0]);
      sums[i][1] = _mm256_fmadd_ps(row, right, sums[i][1]);
    }
  }
  ZELL_UNROLL
  for (size_t i = 0; i < kMr; ++i) {
    ZELL_UNROLL
    for (size_t j = 0; j < 2; ++j) {
      float* to = c + i * ldc + 8 * j;
      _mm256_storeu_ps(to, add ? _mm256_add_ps(_mm256_loadu_ps(to), sums[i][j]) : sums[i][j]);
    }
  }
}

const GemmKernels kTable{"avx2", kMr, kNr, Tile};

}  // namespace

const GemmKernels& Avx2Gemm() { return kTable; }

}  // namespace zell::train
#endif
