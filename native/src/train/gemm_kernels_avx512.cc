// The tile product with AVX-512: 14 rows x 32 columns fill 28 registers.
#include "kernels/target.h"
#include "train/gemm_kernels.h"

#if defined(ZELL_KERNELS_X86)
#if defined(__GNUC__) && !defined(__clang__)
// GCC 12 takes the undefined registers inside its own intrinsics for mistakes.
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <algorithm>

#include "train/transpose_avx512.h"

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

ZELL_AVX512 ZELL_ALWAYS_INLINE __mmask16 First(size_t n) {
  return static_cast<__mmask16>((1u << std::min<size_t>(n, 16)) - 1);
}

/// Sixteen lines at a time.
ZELL_AVX512 void PackPanelLines(const float* x, size_t stride, size_t lines, size_t k, size_t width, float* panel) {
  for (size_t line = 0; line < width; line += 16) {
    const __mmask16 kept = First(width - line);
    const size_t n = lines > line ? std::min<size_t>(16, lines - line) : 0;
    for (size_t p = 0; p < k; p += 16) {
      const __mmask16 loaded = First(k - p);
      __m512i block[16];
      ZELL_UNROLL
      for (size_t i = 0; i < 16; ++i) {
        block[i] = i < n ? _mm512_maskz_loadu_epi32(loaded, x + (line + i) * stride + p) : _mm512_setzero_si512();
      }
      Transpose(block);
      float* to = panel + p * width + line;
      const size_t rows = std::min<size_t>(16, k - p);
      ZELL_UNROLL
      for (size_t i = 0; i < 16; ++i) {
        if (i < rows) _mm512_mask_storeu_epi32(to + i * width, kept, block[i]);
      }
    }
  }
}

ZELL_AVX512 void PackPanelAcross(const float* x, size_t stride, size_t lines, size_t k, size_t width, float* panel) {
  for (size_t line = 0; line < width; line += 16) {
    const __mmask16 kept = First(width - line), loaded = First(lines > line ? lines - line : 0);
    for (size_t p = 0; p < k; ++p) {
      _mm512_mask_storeu_ps(panel + p * width + line, kept, _mm512_maskz_loadu_ps(loaded, x + p * stride + line));
    }
  }
}

const GemmKernels kTable{"avx512", kMr, kNr, Tile, PackPanelLines, PackPanelAcross};

}  // namespace

const GemmKernels& Avx512Gemm() { return kTable; }

}  // namespace zell::train
#endif
