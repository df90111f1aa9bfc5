// The tile product with AVX2 and FMA: 6 rows x 16 columns fill 12 registers.
#include "kernels/target.h"
#include "train/gemm_kernels.h"

#if defined(ZELL_KERNELS_X86)
#include <immintrin.h>

#include <algorithm>
#include <cstdint>

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

alignas(32) constexpr int32_t kFirst[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
/// Lanes below n.
ZELL_AVX2 ZELL_ALWAYS_INLINE __m256i First(size_t n) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kFirst + 8 - std::min<size_t>(n, 8)));
}

ZELL_AVX2 ZELL_ALWAYS_INLINE void Transpose(__m256* x) {
  __m256 y[8];
  ZELL_UNROLL
  for (int i = 0; i < 8; i += 4) {
    const __m256 a = _mm256_unpacklo_ps(x[i], x[i + 1]), b = _mm256_unpackhi_ps(x[i], x[i + 1]);
    const __m256 c = _mm256_unpacklo_ps(x[i + 2], x[i + 3]), d = _mm256_unpackhi_ps(x[i + 2], x[i + 3]);
    y[i] = _mm256_shuffle_ps(a, c, 0x44);
    y[i + 1] = _mm256_shuffle_ps(a, c, 0xee);
    y[i + 2] = _mm256_shuffle_ps(b, d, 0x44);
    y[i + 3] = _mm256_shuffle_ps(b, d, 0xee);
  }
  ZELL_UNROLL
  for (int i = 0; i < 4; ++i) {
    x[i] = _mm256_permute2f128_ps(y[i], y[i + 4], 0x20);
    x[i + 4] = _mm256_permute2f128_ps(y[i], y[i + 4], 0x31);
  }
}

/// Eight lines at a time.
ZELL_AVX2 void PackPanelLines(const float* x, size_t stride, size_t lines, size_t k, size_t width, float* panel) {
  for (size_t line = 0; line < width; line += 8) {
    const __m256i kept = First(width - line);
    const size_t n = lines > line ? std::min<size_t>(8, lines - line) : 0;
    for (size_t p = 0; p < k; p += 8) {
      const __m256i loaded = First(k - p);
      __m256 block[8];
      ZELL_UNROLL
      for (size_t i = 0; i < 8; ++i) {
        block[i] = i < n ? _mm256_maskload_ps(x + (line + i) * stride + p, loaded) : _mm256_setzero_ps();
      }
      Transpose(block);
      float* to = panel + p * width + line;
      const size_t rows = std::min<size_t>(8, k - p);
      ZELL_UNROLL
      for (size_t i = 0; i < 8; ++i) {
        if (i < rows) _mm256_maskstore_ps(to + i * width, kept, block[i]);
      }
    }
  }
}

ZELL_AVX2 void PackPanelAcross(const float* x, size_t stride, size_t lines, size_t k, size_t width, float* panel) {
  for (size_t line = 0; line < width; line += 8) {
    const __m256i kept = First(width - line), loaded = First(lines > line ? lines - line : 0);
    for (size_t p = 0; p < k; ++p) {
      _mm256_maskstore_ps(panel + p * width + line, kept, _mm256_maskload_ps(x + p * stride + line, loaded));
    }
  }
}

const GemmKernels kTable{"avx2", kMr, kNr, Tile, PackPanelLines, PackPanelAcross};

}  // namespace

const GemmKernels& Avx2Gemm() { return kTable; }

}  // namespace zell::train
#endif
