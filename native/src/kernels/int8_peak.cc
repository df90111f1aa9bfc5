#include "kernels/int8_peak.h"

#include "kernels/target.h"

#if defined(ZELL_KERNELS_X86)
#if defined(__GNUC__) && !defined(__clang__)
// GCC 12's own avx512fintrin.h passes deliberately undefined registers as unused inputs and warns about them.
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>

#include <atomic>
#elif defined(ZELL_KERNELS_ARM64)
#include <arm_neon.h>
#endif

namespace zell::kernels {
namespace {

/// What was computed goes here, so that computing it is not left out.
volatile int32_t sink;

uint64_t Scalar(size_t rounds) {
  constexpr int kSums = 8;
  volatile int8_t seed = 3;
  int32_t sums[kSums] = {};
  int8_t x = seed;
  const int8_t y = seed;
  for (size_t r = 0; r < rounds; ++r) {
    for (int32_t& sum : sums) sum += x * y;
    x = static_cast<int8_t>(x ^ y);
  }
  int32_t total = 0;
  for (const int32_t sum : sums) total ^= sum;
  sink = total;
  return 2 * static_cast<uint64_t>(rounds) * kSums;
}

#if defined(ZELL_KERNELS_X86)

ZELL_TARGET_AVX2 uint64_t Avx2(size_t rounds) {
  constexpr int kSums = 10;
  const __m256i u = _mm256_set1_epi8(static_cast<char>(sink & 1));
  __m256i q = _mm256_set1_epi8(static_cast<char>(sink & 3));
  const __m256i ones = _mm256_set1_epi16(static_cast<int16_t>((sink & 1) + 1));
  __m256i sums[kSums];
  for (__m256i& sum : sums) sum = _mm256_setzero_si256();
  for (size_t r = 0; r < rounds; ++r) {
    ZELL_UNROLL
    for (int i = 0; i < kSums; ++i) {
      // Looks different to the compiler each time, so that no product is taken out of the loop.
#if defined(_MSC_VER) && !defined(__clang__)
      q = _mm256_xor_si256(q, sums[i]);
#else
      asm volatile("" : "+x"(q));
#endif
      const __m256i pairs = _mm256_maddubs_epi16(u, q);
      sums[i] = _mm256_add_epi32(sums[i], _mm256_madd_epi16(pairs, ones));
    }
  }
  __m256i total = sums[0];
  for (int i = 1; i < kSums; ++i) total = _mm256_xor_si256(total, sums[i]);
  sink = _mm_cvtsi128_si32(_mm256_castsi256_si128(total));
  return 2 * static_cast<uint64_t>(rounds) * kSums * 32;
}

ZELL_TARGET_AVX2VNNI uint64_t Avx2Vnni(size_t rounds) {
  constexpr int kSums = 12;
  const __m256i u = _mm256_set1_epi8(static_cast<char>(sink & 1)), q = _mm256_set1_epi8(static_cast<char>(sink & 3));
  __m256i sums[kSums];
  for (__m256i& sum : sums) sum = _mm256_setzero_si256();
  for (size_t r = 0; r < rounds; ++r) {
    ZELL_UNROLL
    for (int i = 0; i < kSums; ++i) sums[i] = _mm256_dpbusd_avx_epi32(sums[i], u, q);
  }
  __m256i total = sums[0];
  for (int i = 1; i < kSums; ++i) total = _mm256_xor_si256(total, sums[i]);
  sink = _mm_cvtsi128_si32(_mm256_castsi256_si128(total));
  return 2 * static_cast<uint64_t>(rounds) * kSums * 32;
}

ZELL_TARGET_AVX512VNNI uint64_t Avx512Vnni(size_t rounds) {
  constexpr int kSums = 16;
  const __m512i u = _mm512_set1_epi8(static_cast<char>(sink & 1)), q = _mm512_set1_epi8(static_cast<char>(sink & 3));
  __m512i sums[kSums];
  for (__m512i& sum : sums) sum = _mm512_setzero_si512();
  for (size_t r = 0; r < rounds; ++r) {
    ZELL_UNROLL
    for (int i = 0; i < kSums; ++i) sums[i] = _mm512_dpbusd_epi32(sums[i], u, q);
  }
  __m512i total = sums[0];
  for (int i = 1; i < kSums; ++i) total = _mm512_xor_si512(total, sums[i]);
  sink = _mm_cvtsi128_si32(_mm512_castsi512_si128(total));
  return 2 * static_cast<uint64_t>(rounds) * kSums * 64;
}

ZELL_TARGET_AMX uint64_t Amx(size_t rounds) {
  struct alignas(64) {
    uint8_t palette = 1, start_row = 0;
    uint8_t reserved[14] = {};
    uint16_t bytes_per_line[16] = {64, 64, 64, 64, 64, 64};
    uint8_t lines[16] = {16, 16, 16, 16, 16, 16};
  } config;
  // GCC's tile intrinsics do not tell it that they read memory.
  std::atomic_signal_fence(std::memory_order_seq_cst);
  _tile_loadconfig(&config);
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  _tile_zero(4);
  _tile_zero(5);
  for (size_t r = 0; r < rounds; ++r) {
    _tile_dpbusd(0, 4, 5);
    _tile_dpbusd(1, 4, 5);
    _tile_dpbusd(2, 4, 5);
    _tile_dpbusd(3, 4, 5);
  }
  _tile_release();
  return 2 * static_cast<uint64_t>(rounds) * 4 * 16 * 16 * 64;
}

#endif

#if defined(ZELL_KERNELS_ARM64)

constexpr int kNeonSums = 12;

int32_t Fold(const int32x4_t (&sums)[kNeonSums]) {
  int32x4_t total = sums[0];
  for (int i = 1; i < kNeonSums; ++i) total = veorq_s32(total, sums[i]);
  return vgetq_lane_s32(total, 0);
}

uint64_t Neon(size_t rounds) {
  int8x16_t a = vdupq_n_s8(static_cast<int8_t>(sink & 1));
  const int8x16_t b = vdupq_n_s8(static_cast<int8_t>(sink & 3));
  int32x4_t sums[kNeonSums];
  for (int32x4_t& sum : sums) sum = vdupq_n_s32(0);
  for (size_t r = 0; r < rounds; ++r) {
    ZELL_UNROLL
    for (int i = 0; i < kNeonSums; ++i) {
      // Looks different to the compiler each time, so that no product is taken out of the loop.
#if defined(_MSC_VER) && !defined(__clang__)
      a = veorq_s8(a, vreinterpretq_s8_s32(sums[i]));
#else
      asm volatile("" : "+w"(a));
#endif
      const int16x8_t pairs = vmlal_s8(vmull_s8(vget_low_s8(a), vget_low_s8(b)), vget_high_s8(a), vget_high_s8(b));
      sums[i] = vpadalq_s16(sums[i], pairs);
    }
  }
  sink = Fold(sums);
  return 2 * static_cast<uint64_t>(rounds) * kNeonSums * 16;
}

#if defined(ZELL_KERNELS_ARM64_DOT)
ZELL_TARGET_NEON_DOT uint64_t NeonDot(size_t rounds) {
  const int8x16_t a = vdupq_n_s8(static_cast<int8_t>(sink & 1)), b = vdupq_n_s8(static_cast<int8_t>(sink & 3));
  int32x4_t sums[kNeonSums];
  for (int32x4_t& sum : sums) sum = vdupq_n_s32(0);
  for (size_t r = 0; r < rounds; ++r) {
    ZELL_UNROLL
    for (int i = 0; i < kNeonSums; ++i) sums[i] = vdotq_s32(sums[i], a, b);
  }
  sink = Fold(sums);
  return 2 * static_cast<uint64_t>(rounds) * kNeonSums * 16;
}
#endif

#if defined(ZELL_KERNELS_ARM64_I8MM)
ZELL_TARGET_NEON_I8MM uint64_t NeonI8mm(size_t rounds) {
  const int8x16_t a = vdupq_n_s8(static_cast<int8_t>(sink & 1)), b = vdupq_n_s8(static_cast<int8_t>(sink & 3));
  int32x4_t sums[kNeonSums];
  for (int32x4_t& sum : sums) sum = vdupq_n_s32(0);
  for (size_t r = 0; r < rounds; ++r) {
    ZELL_UNROLL
    for (int i = 0; i < kNeonSums; ++i) sums[i] = vmmlaq_s32(sums[i], a, b);
  }
  sink = Fold(sums);
  return 2 * static_cast<uint64_t>(rounds) * kNeonSums * 32;
}
#endif

#endif

}  // namespace

uint64_t RunInt8Products(Isa isa, size_t rounds) {
  switch (isa) {
    case Isa::kScalar:
      return Scalar(rounds);
#if defined(ZELL_KERNELS_X86)
    case Isa::kAvx2:
      return Avx2(rounds);
    case Isa::kAvx2Vnni:
      return Avx2Vnni(rounds);
    case Isa::kAvx512Vnni:
      return Avx512Vnni(rounds);
    case Isa::kAmx:
      return Amx(rounds);
#elif defined(ZELL_KERNELS_ARM64)
    case Isa::kNeon:
      return Neon(rounds);
#if defined(ZELL_KERNELS_ARM64_DOT)
    case Isa::kNeonDot:
      return NeonDot(rounds);
#endif
#if defined(ZELL_KERNELS_ARM64_I8MM)
    case Isa::kNeonI8mm:
      return NeonI8mm(rounds);
#endif
#endif
    default:
      return 0;
  }
}

}  // namespace zell::kernels
