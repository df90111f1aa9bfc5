// Split products with AMX: four tiles of sums, each operand's tile loaded once for both of its products at a time.
#include "kernels/target.h"
#include "train/split_kernels.h"

#if defined(ZELL_KERNELS_X86)
#if defined(__GNUC__) && !defined(__clang__)
// GCC 12 takes the undefined registers inside its own intrinsics for mistakes.
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <algorithm>
#include <atomic>

#include "train/transpose_avx512.h"

#define ZELL_AMX ZELL_TARGET_AMX_BF16

namespace zell::train {
namespace {

constexpr int kLines = kSplitLines, kLineBytes = 64;
static_assert(kSplitDepth * sizeof(uint16_t) == kLineBytes && kSplitLines * sizeof(float) == kLineBytes);

struct alignas(64) TileConfig {
  uint8_t palette = 1, start_row = 0;
  uint8_t reserved[14] = {};
  uint16_t bytes_per_line[16] = {};
  uint8_t lines[16] = {};
};

/// GCC's tile intrinsics do not tell it that they read memory: what they read must be stored before.
void Fence() { std::atomic_signal_fence(std::memory_order_seq_cst); }

ZELL_AMX void Begin() {
  TileConfig config;
  for (int tile = 0; tile < 8; ++tile) {
    config.bytes_per_line[tile] = kLineBytes;
    config.lines[tile] = kLines;
  }
  Fence();
  _tile_loadconfig(&config);
}

ZELL_AMX void End() { _tile_release(); }

ZELL_AMX ZELL_ALWAYS_INLINE __mmask16 First(size_t n) {
  return static_cast<__mmask16>((1u << std::min<size_t>(n, 16)) - 1);
}

struct Halves {
  __m512i hi, lo;
};

ZELL_AMX ZELL_ALWAYS_INLINE __m512 Widen(__m256i bf16) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bf16), 16));
}

/// 32 numbers in their order.
ZELL_AMX ZELL_ALWAYS_INLINE Halves SplitLine(__m512 first, __m512 second) {
  const __m512i hi = __builtin_bit_cast(__m512i, _mm512_cvtne2ps_pbh(second, first));
  const __m512 rest = _mm512_sub_ps(first, Widen(_mm512_castsi512_si256(hi)));
  const __m512 more = _mm512_sub_ps(second, Widen(_mm512_extracti64x4_epi64(hi, 1)));
  return {hi, __builtin_bit_cast(__m512i, _mm512_cvtne2ps_pbh(more, rest))};
}

ZELL_AMX ZELL_ALWAYS_INLINE __m512i Pairs(__m256i even, __m256i odd) {
  return _mm512_or_si512(_mm512_cvtepu16_epi32(even), _mm512_slli_epi32(_mm512_cvtepu16_epi32(odd), 16));
}

/// Sixteen pairs of an even and an odd number.
ZELL_AMX ZELL_ALWAYS_INLINE Halves SplitPairs(__m512 even, __m512 odd) {
  const __m256i e = __builtin_bit_cast(__m256i, _mm512_cvtneps_pbh(even)),
                o = __builtin_bit_cast(__m256i, _mm512_cvtneps_pbh(odd));
  const __m512 rest = _mm512_sub_ps(even, Widen(e)), more = _mm512_sub_ps(odd, Widen(o));
  return {Pairs(e, o), Pairs(__builtin_bit_cast(__m256i, _mm512_cvtneps_pbh(rest)),
                             __builtin_bit_cast(__m256i, _mm512_cvtneps_pbh(more)))};
}

ZELL_AMX ZELL_ALWAYS_INLINE void Store(__m512i* x, bool transpose, uint16_t* out) {
  if (transpose) Transpose(x);
  ZELL_UNROLL
  for (int i = 0; i < 16; ++i) _mm512_store_si512(out + i * kSplitDepth, x[i]);
}

ZELL_AMX void PackLines(const float* x, size_t stride, size_t lines, size_t depth, bool right, SplitTile& out) {
  const __mmask16 first = First(depth), second = First(depth < 16 ? 0 : depth - 16);
  __m512i hi[16], lo[16];
  ZELL_UNROLL
  for (size_t i = 0; i < 16; ++i) {
    Halves h{_mm512_setzero_si512(), _mm512_setzero_si512()};
    if (i < lines) {
      h = SplitLine(_mm512_maskz_loadu_ps(first, x + i * stride), _mm512_maskz_loadu_ps(second, x + i * stride + 16));
    }
    hi[i] = h.hi;
    lo[i] = h.lo;
  }
  Store(hi, right, out.hi);
  Store(lo, right, out.lo);
}

ZELL_AMX void PackAcross(const float* x, size_t stride, size_t lines, size_t depth, bool right, SplitTile& out) {
  const __mmask16 mask = First(lines);
  __m512i hi[16], lo[16];
  ZELL_UNROLL
  for (size_t i = 0; i < 16; ++i) {
    const __m512 even = 2 * i < depth ? _mm512_maskz_loadu_ps(mask, x + 2 * i * stride) : _mm512_setzero_ps();
    const __m512 odd = 2 * i + 1 < depth ? _mm512_maskz_loadu_ps(mask, x + (2 * i + 1) * stride) : _mm512_setzero_ps();
    const Halves h = SplitPairs(even, odd);
    hi[i] = h.hi;
    lo[i] = h.lo;
  }
  Store(hi, !right, out.hi);
  Store(lo, !right, out.lo);
}

/// Tiles 0 to 3: sums [a][b]; 4, 5: A; 6, 7: B.
template <int kA, int kB>
ZELL_AMX ZELL_ALWAYS_INLINE void Products() {
  _tile_dpbf16ps(0, 4, 6);
  if constexpr (kB == 2) _tile_dpbf16ps(1, 4, 7);
  if constexpr (kA == 2) _tile_dpbf16ps(2, 5, 6);
  if constexpr (kA == 2 && kB == 2) _tile_dpbf16ps(3, 5, 7);
}

template <int kA, int kB>
ZELL_AMX void Product(std::span<const SplitRun> runs, float* c, size_t ldc, bool add) {
  const size_t bytes = ldc * sizeof(float), below = kSplitLines * ldc;
  if (add) {
    _tile_loadd(0, c, bytes);
    if constexpr (kB == 2) _tile_loadd(1, c + kSplitLines, bytes);
    if constexpr (kA == 2) _tile_loadd(2, c + below, bytes);
    if constexpr (kA == 2 && kB == 2) _tile_loadd(3, c + below + kSplitLines, bytes);
  } else {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
  }
  for (const SplitRun& run : runs) {
    const SplitTile *a = run.a.tiles, *b = run.b.tiles;
    for (size_t s = 0; s < run.steps; ++s, ++a, ++b) {
      _tile_loadd(4, a->hi, kLineBytes);
      if constexpr (kA == 2) _tile_loadd(5, a[run.a.stride].hi, kLineBytes);
      _tile_loadd(6, b->hi, kLineBytes);
      if constexpr (kB == 2) _tile_loadd(7, b[run.b.stride].hi, kLineBytes);
      Products<kA, kB>();
      _tile_loadd(6, b->lo, kLineBytes);
      if constexpr (kB == 2) _tile_loadd(7, b[run.b.stride].lo, kLineBytes);
      Products<kA, kB>();
      _tile_loadd(4, a->lo, kLineBytes);
      if constexpr (kA == 2) _tile_loadd(5, a[run.a.stride].lo, kLineBytes);
      _tile_loadd(6, b->hi, kLineBytes);
      if constexpr (kB == 2) _tile_loadd(7, b[run.b.stride].hi, kLineBytes);
      Products<kA, kB>();
    }
  }
  _tile_stored(0, c, bytes);
  if constexpr (kB == 2) _tile_stored(1, c + kSplitLines, bytes);
  if constexpr (kA == 2) _tile_stored(2, c + below, bytes);
  if constexpr (kA == 2 && kB == 2) _tile_stored(3, c + below + kSplitLines, bytes);
}

void AnyProduct(std::span<const SplitRun> runs, const SplitShape& shape, float* c, size_t ldc, bool add) {
  Fence();
  if (shape.rows == 2) {
    (shape.columns == 2 ? Product<2, 2> : Product<2, 1>)(runs, c, ldc, add);
  } else {
    (shape.columns == 2 ? Product<1, 2> : Product<1, 1>)(runs, c, ldc, add);
  }
  Fence();
}

void Ask(const uint8_t* from, size_t bytes) {
  for (size_t at = 0; at < bytes; at += kLineBytes) {
    _mm_prefetch(reinterpret_cast<const char*>(from + at), _MM_HINT_T1);
  }
}

const SplitKernels kTable{"amx", PackLines, PackAcross, AnyProduct, Ask, Begin, End};

}  // namespace

const SplitKernels& AmxSplit() { return kTable; }

}  // namespace zell::train
#endif
