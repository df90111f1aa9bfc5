// GGUF block formats as they lie in a file: little-endian, packed, no padding.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

namespace zell::quant {

/// Tensor types by their GGUF numbers.
enum class TensorType : uint32_t {
  kF32 = 0,
  kF16 = 1,
  kQ4_0 = 2,
  kQ4_1 = 3,
  kQ5_0 = 6,
  kQ5_1 = 7,
  kQ8_0 = 8,
  kQ8_1 = 9,
  kQ2_K = 10,
  kQ3_K = 11,
  kQ4_K = 12,
  kQ5_K = 13,
  kQ6_K = 14,
  kQ8_K = 15,
  kIQ2_XXS = 16,
  kIQ2_XS = 17,
  kIQ3_XXS = 18,
  kIQ1_S = 19,
  kIQ4_NL = 20,
  kIQ3_S = 21,
  kIQ2_S = 22,
  kIQ4_XS = 23,
  kI8 = 24,
  kI16 = 25,
  kI32 = 26,
  kI64 = 27,
  kF64 = 28,
  kIQ1_M = 29,
  kBF16 = 30,
  kTQ1_0 = 34,
  kTQ2_0 = 35,
  kMXFP4 = 39,
  kNVFP4 = 40,
  kQ1_0 = 41,
  kQ2_0 = 42,
};

constexpr size_t kSmallBlock = 32;   ///< weights in a block of the Q*_0 and Q*_1 formats
constexpr size_t kSuperBlock = 256;  ///< weights in a super-block of the K, IQ and TQ formats

#pragma pack(push, 1)
/// w = scale * (q - 8); byte i holds weight i in its low nibble and weight i + 16 in its high one.
struct BlockQ4_0 {
  uint16_t scale_f16;
  uint8_t q[16];
};
/// w = scale * q + min; nibbles as in Q4_0.
struct BlockQ4_1 {
  uint16_t scale_f16;
  uint16_t min_f16;
  uint8_t q[16];
};
/// w = scale * (q - 16); low 4 bits as in Q4_0, bit i of `high` is the fifth bit of weight i.
struct BlockQ5_0 {
  uint16_t scale_f16;
  uint8_t high[4];
  uint8_t q[16];
};
/// w = scale * q + min; bits as in Q5_0.
struct BlockQ5_1 {
  uint16_t scale_f16;
  uint16_t min_f16;
  uint8_t high[4];
  uint8_t q[16];
};
/// w = scale * q.
struct BlockQ8_0 {
  uint16_t scale_f16;
  int8_t q[32];
};
/// 16 groups of 16: w = scale * (s & 15) * q - min * (s >> 4), 2-bit q.
struct BlockQ2_K {
  uint8_t scales[16];
  uint8_t q[64];
  uint16_t scale_f16;
  uint16_t min_f16;
};
/// 16 groups of 16: w = scale * (s - 32) * q, 3-bit q in [-4, 3]; 6-bit scales packed in 12 bytes.
struct BlockQ3_K {
  uint8_t high[32];
  uint8_t q[64];
  uint8_t scales[12];
  uint16_t scale_f16;
};
/// 8 groups of 32: w = scale * s * q - min * m, 4-bit q; 6-bit s and m packed in 12 bytes.
struct BlockQ4_K {
  uint16_t scale_f16;
  uint16_t min_f16;
  uint8_t scales[12];
  uint8_t q[128];
};
/// As Q4_K with a fifth bit in `high`.
struct BlockQ5_K {
  uint16_t scale_f16;
  uint16_t min_f16;
  uint8_t scales[12];
  uint8_t high[32];
  uint8_t q[128];
};
/// 16 groups of 16: w = scale * s * (q - 32), 6-bit q, signed 8-bit s.
struct BlockQ6_K {
  uint8_t q_low[128];
  uint8_t q_high[64];
  int8_t scales[16];
  uint16_t scale_f16;
};
/// w = scale * q; `scaled_sum_f16` (scale * sum q) is not needed to read it.
struct BlockQ8_1 {
  uint16_t scale_f16;
  uint16_t scaled_sum_f16;
  int8_t q[32];
};
/// w = scale * q; `sums` (of q, 16 at a time) are not needed to read it.
struct BlockQ8_K {
  float scale;
  int8_t q[256];
  int16_t sums[16];
};
/// 128 weights: w = scale where bit i % 8 of byte i / 8 is set, else -scale.
struct BlockQ1_0 {
  uint16_t scale_f16;
  uint8_t q[16];
};
/// 64 weights: w = scale * (q - 1), weight i in bits 2 (i % 4) of byte i / 4.
struct BlockQ2_0 {
  uint16_t scale_f16;
  uint8_t q[16];
};
/// w = scale * (t - 1), t in {0, 1, 2}, five to a byte: digit n is 3 (q 3^n mod 256) / 256. Digits 0-4 of bytes 0-31
/// are the first 160 weights, of bytes 32-47 the next 80, digits 0-3 of `last` the last 16; each digit of all bytes in
/// turn.
struct BlockTQ1_0 {
  uint8_t q[48];
  uint8_t last[4];
  uint16_t scale_f16;
};
/// w = scale * (q - 1); 2-bit q as in Q2_K.
struct BlockTQ2_0 {
  uint8_t q[64];
  uint16_t scale_f16;
};
/// w = scale * kIQ4Values[q]; nibbles as in Q4_0.
struct BlockIQ4_NL {
  uint16_t scale_f16;
  uint8_t q[16];
};
/// 8 groups of 32, each as in IQ4_NL: w = scale * (s - 32) * kIQ4Values[q], 6-bit s (low nibbles and upper pairs).
struct BlockIQ4_XS {
  uint16_t scale_f16;
  uint16_t scales_high;
  uint8_t scales_low[4];
  uint8_t q[128];
};
/// w = 2^(exponent - 128) * kFp4Values[q]; nibbles as in Q4_0.
struct BlockMXFP4 {
  uint8_t exponent;
  uint8_t q[16];
};
/// 64 weights, 4 groups of 16: w = NvScale(scales[g]) * kFp4Values[q]; byte i of a group holds weights i and i + 8.
struct BlockNVFP4 {
  uint8_t scales[4];
  uint8_t q[32];
};
/// 8 groups of 32: w = scale * (0.5 + s) / 4 * ±grid. Each group has four indices, then 4 × 7 bits of signs (the eighth
/// makes their number even) and the 4-bit s.
struct BlockIQ2_XXS {
  uint16_t scale_f16;
  uint8_t q[64];
};
/// 16 groups of 16, as IQ2_XXS; 9-bit index and 7 bits of signs in each of the 32 numbers.
struct BlockIQ2_XS {
  uint16_t scale_f16;
  uint16_t q[32];
  uint8_t scales[8];
};
/// As IQ2_XS with 10-bit indices (upper pairs in `high`) and all eight signs.
struct BlockIQ2_S {
  uint16_t scale_f16;
  uint8_t q[32];
  uint8_t signs[32];
  uint8_t high[8];
  uint8_t scales[8];
};
/// 8 groups of 32: w = scale * (0.5 + s) / 2 * ±grid, four weights an index; signs and s as in IQ2_XXS.
struct BlockIQ3_XXS {
  uint16_t scale_f16;
  uint8_t q[64];
  uint8_t signs_scales[32];
};
/// 8 groups of 32: w = scale * (1 + 2 s) * ±grid, four weights a 9-bit index (bit i of `high[g]` for index i of group
/// g).
struct BlockIQ3_S {
  uint16_t scale_f16;
  uint8_t q[64];
  uint8_t high[8];
  uint8_t signs[32];
  uint8_t scales[4];
};
/// 8 groups of 32: w = scale * (1 + 2 s) * (grid ± 1/8). 11-bit indices; `high` holds four times three upper bits, s in
/// bits 12-14, and in bit 15 whether the eighth is taken off.
struct BlockIQ1_S {
  uint16_t scale_f16;
  uint8_t q[32];
  uint16_t high[8];
};
/// As IQ1_S with 16 groups of 16: a nibble of `high` has an index' upper three bits and its eighth's sign; each of the
/// four `scales` holds four 3-bit s and, above them, a nibble of the f16 scale.
struct BlockIQ1_M {
  uint8_t q[32];
  uint8_t high[16];
  uint16_t scales[4];
};
#pragma pack(pop)

static_assert(sizeof(BlockQ4_0) == 18 && sizeof(BlockQ4_1) == 20 && sizeof(BlockQ5_0) == 22);
static_assert(sizeof(BlockQ5_1) == 24 && sizeof(BlockQ8_0) == 34 && sizeof(BlockQ2_K) == 84);
static_assert(sizeof(BlockQ3_K) == 110 && sizeof(BlockQ4_K) == 144 && sizeof(BlockQ5_K) == 176);
static_assert(sizeof(BlockQ6_K) == 210 && sizeof(BlockQ8_1) == 36 && sizeof(BlockQ8_K) == 292);
static_assert(sizeof(BlockQ1_0) == 18 && sizeof(BlockQ2_0) == 18 && sizeof(BlockTQ1_0) == 54);
static_assert(sizeof(BlockTQ2_0) == 66 && sizeof(BlockIQ4_NL) == 18 && sizeof(BlockIQ4_XS) == 136);
static_assert(sizeof(BlockMXFP4) == 17 && sizeof(BlockNVFP4) == 36 && sizeof(BlockIQ2_XXS) == 66);
static_assert(sizeof(BlockIQ2_XS) == 74 && sizeof(BlockIQ2_S) == 82 && sizeof(BlockIQ3_XXS) == 98);
static_assert(sizeof(BlockIQ3_S) == 110 && sizeof(BlockIQ1_S) == 50 && sizeof(BlockIQ1_M) == 56);

/// What a type is called and how its rows are laid out.
struct TypeInfo {
  TensorType type;
  const char* name;      ///< `Q4_K`
  size_t block_weights;  ///< weights in a block; a row is a whole number of blocks
  size_t block_bytes;
};

/// The layout of a type by its GGUF number; nullptr when Zell does not know it.
const TypeInfo* FindType(uint32_t gguf_type);
const TypeInfo& InfoOf(TensorType type);
/// Every type that Zell knows.
std::span<const TypeInfo> Types();

/// Bytes of a row of `n` weights; n must be a multiple of the type's block.
inline size_t RowBytes(const TypeInfo& info, size_t n) { return n / info.block_weights * info.block_bytes; }

/// Whether matrices may have this type: everything but integers and F64, which only occur as vectors and tables.
constexpr bool IsMatrixType(TensorType type) {
  return static_cast<uint32_t>(type) < static_cast<uint32_t>(TensorType::kI8) ||
         static_cast<uint32_t>(type) > static_cast<uint32_t>(TensorType::kF64);
}

/// Scalar definition of every format: y[i] = value of weight i. n % block_weights == 0. Bit-exact: f32 arithmetic in
/// one fixed order, no fused multiply-add.
void Dequantize(TensorType type, const void* blocks, float* y, size_t n);

/// Nearest-rounding quantisers (no importance matrix) of the types that tests and tools write; false for the others.
bool Quantize(TensorType type, const float* x, void* blocks, size_t n);
/// The same with a search for every group's scale: several times slower, nearer to the weights. `importance`: [n]
/// numbers ≥ 0, how much each weight's squared error counts (the mean square of the activations that meet it), or null.
bool QuantizeBest(TensorType type, const float* x, const float* importance, void* blocks, size_t n);

float F16ToF32(uint16_t h);
uint16_t F32ToF16(float f);  ///< round to nearest even
inline float BF16ToF32(uint16_t h) { return std::bit_cast<float>(static_cast<uint32_t>(h) << 16); }
uint16_t F32ToBF16(float f);  ///< round to nearest even, NaN stays NaN

}  // namespace zell::quant
