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
  kQ2_K = 10,
  kQ3_K = 11,
  kQ4_K = 12,
  kQ5_K = 13,
  kQ6_K = 14,
  kBF16 = 30,
};

constexpr size_t kSmallBlock = 32;   ///< weights in a block of the Q*_0 and Q*_1 formats
constexpr size_t kSuperBlock = 256;  ///< weights in a super-block of the K formats

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
#pragma pack(pop)

static_assert(sizeof(BlockQ4_0) == 18 && sizeof(BlockQ4_1) == 20 && sizeof(BlockQ5_0) == 22);
static_assert(sizeof(BlockQ5_1) == 24 && sizeof(BlockQ8_0) == 34 && sizeof(BlockQ2_K) == 84);
static_assert(sizeof(BlockQ3_K) == 110 && sizeof(BlockQ4_K) == 144 && sizeof(BlockQ5_K) == 176);
static_assert(sizeof(BlockQ6_K) == 210);

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
