// The tile product with AVX-512: 14 rows x 32 columns fill 28 registers.
#include "kernels/target.h"
#include "train/gemm_kernels.h"

#if defined(ZELL_KERNELS_X86)
#include <immintrin.h>

#define ZELL_AVX512 ZELL_TARGET_AVX512VNNI

namespace zell::train {
namespace {

constexpr size_t kMr = 14, kNr = 32;

template <size_t kVectors>
ZELL_AVX512 ZELL_ALWAYS_INLINE void Product(size_t k, const float* a, const float* b, float* c, size_t ldc, bool add) {
  __m512 sums[kMr][kVectors];
  ZELL_UNROLL
  for (size_t i = 0; i < kMr; ++i) {
    ZELL_UNROLL
    for (size_t j = 0; j < kVectors; ++j) sums[i][j] = _mm512_setzero_ps();
  }
  for (size_t p = 0; p < k; ++p, a += kMr, b += kNr) {
    __m512 columns[kVectors];
    ZELL_UNROLL
    for (size_t j = 0; j < kVectors; ++j) columns[j] = _mm512_loadu_ps(b + 16 * j);
    ZELL_UNROLL
    for (size_t i = 0; i < kMr; ++i) {
      const __m512 row = _mm512_set1_ps(a[i]);
      ZELL_UNROLL
      for (size_t j = 0; j < kVectors; ++j) sums[i][j] = _mm512_fmadd_ps(row, columns[j], sums[i][j]);
    }
  }
  ZELL_UNROLL
  for (size_t i = 0; i < kMr; ++i) {
    ZELL_UNROLL
    for (size_t j = 0; j < kVectors; ++j) {
      float* to = c + i * ldc + 16 * j;
      _mm512_storeu_ps(to, add ? _mm512_add_ps(_mm512_loadu_ps(to), sums[i][j]) : sums[i][j]);
    }
  }
}

ZELL_AVX512 void Tile(size_t k, const float* a, const float* b, float* c, size_t ldc, size_t cols, bool add) {
  if (cols <= kNr / 2) {
    Product<1>(k, a, b, c, ldc, add);
  } else {
    Product<2>(k, a, b, c, ldc, add);
  }
}

const GemmKernels kTable{"avx512", kMr, kNr, Tile};

}  // namespace

const GemmKernels& Avx512Gemm() { return kTable; }

}  // namespace zell::train
#endif
