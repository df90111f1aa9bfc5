// Random weights of every type and columns to multiply them with, for this room's tests and benchmark.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

#include "base/aligned_buffer.h"
#include "kernels/kernels.h"

namespace zell::kernels {

/// The types that matrices may have.
inline const std::vector<quant::TensorType> kAllTypes = [] {
  std::vector<quant::TensorType> types;
  for (const quant::TypeInfo& info : quant::Types()) {
    if (quant::IsMatrixType(info.type)) types.push_back(info.type);
  }
  return types;
}();

using Random = std::mt19937;

inline std::vector<float> RandomFloats(Random& random, size_t n, float spread = 1.0f) {
  std::normal_distribution<float> normal(0.0f, spread);
  std::vector<float> x(n);
  for (float& f : x) f = normal(random);
  return x;
}

/// The scale of MXFP4, NVFP4, IQ1_M and Q8_K, which is no f16 field: `scale` or one near it.
inline void PutOtherScale(quant::TensorType type, uint8_t* block, float scale) {
  if (type == quant::TensorType::kMXFP4) block[0] = static_cast<uint8_t>(128 + std::ilogb(scale));
  if (type == quant::TensorType::kNVFP4) {
    // Three bits above a code of `scale`; other groups keep their random bits, without the ones that make large scales.
    for (int g = 0; g < 4; ++g) block[g] = static_cast<uint8_t>(block[g] % 32 + 8 * (7 + 1 + std::ilogb(scale)));
  }
  if (type == quant::TensorType::kIQ1_M) {
    const uint16_t f16 = quant::F32ToF16(scale);
    for (int i = 0; i < 4; ++i) {
      uint8_t& upper = block[48 + 2 * i + 1];
      upper = static_cast<uint8_t>((upper & 15) | (f16 >> (4 * i) & 15) << 4);
    }
  }
  if (type == quant::TensorType::kQ8_K) std::memcpy(block, &scale, sizeof scale);
}

/// Overwrites the f16 fields of one block with values near `scale`, so that random bits are never NaN or infinite.
inline void PutScales(quant::TensorType type, uint8_t* block, float scale, float min) {
  const uint16_t s = quant::F32ToF16(scale), m = quant::F32ToF16(min);
  const size_t end = quant::InfoOf(type).block_bytes;
  size_t scale_at = 0, min_at = end;
  switch (type) {
    case quant::TensorType::kQ4_1:
    case quant::TensorType::kQ5_1:
    case quant::TensorType::kQ4_K:
    case quant::TensorType::kQ5_K:
      min_at = 2;
      break;
    case quant::TensorType::kQ2_K:
      scale_at = end - 4;
      min_at = end - 2;
      break;
    case quant::TensorType::kQ3_K:
    case quant::TensorType::kQ6_K:
    case quant::TensorType::kTQ1_0:
    case quant::TensorType::kTQ2_0:
      scale_at = end - 2;
      break;
    case quant::TensorType::kMXFP4:
    case quant::TensorType::kNVFP4:
    case quant::TensorType::kIQ1_M:
    case quant::TensorType::kQ8_K:
      return PutOtherScale(type, block, scale);
    default:
      break;
  }
  std::memcpy(block + scale_at, &s, sizeof s);
  if (min_at < end) std::memcpy(block + min_at, &m, sizeof m);
}

/// `n` weights whose every bit is random, with scales that keep the values near 1; n is a multiple of the block.
inline std::vector<uint8_t> RandomWeights(Random& random, quant::TensorType type, size_t n) {
  const quant::TypeInfo& info = quant::InfoOf(type);
  std::vector<uint8_t> bytes(quant::RowBytes(info, n));
  if (type == quant::TensorType::kF32) {
    const std::vector<float> values = RandomFloats(random, n);
    std::memcpy(bytes.data(), values.data(), bytes.size());
  } else if (type == quant::TensorType::kF16 || type == quant::TensorType::kBF16) {
    const std::vector<float> values = RandomFloats(random, n);
    for (size_t i = 0; i < n; ++i) {
      const uint16_t h = type == quant::TensorType::kF16 ? quant::F32ToF16(values[i]) : quant::F32ToBF16(values[i]);
      std::memcpy(bytes.data() + 2 * i, &h, sizeof h);
    }
  } else {
    for (uint8_t& b : bytes) b = static_cast<uint8_t>(random());
    std::uniform_real_distribution<float> near(0.005f, 0.02f);
    for (size_t at = 0; at < bytes.size(); at += info.block_bytes) {
      PutScales(type, bytes.data() + at, near(random) * (random() % 2 == 0 ? 1.0f : -1.0f), near(random) * 4);
    }
  }
  return bytes;
}

/// `cols` quantised columns of k random values, `stride` bytes apart.
struct Columns {
  base::AlignedBuffer<uint8_t> bytes;
  std::vector<float> values;  ///< [cols, k]
  size_t stride = 0;
};

inline Columns RandomColumns(Random& random, const Kernels& kernels, ActivationFormat format, size_t k, size_t cols) {
  Columns c;
  c.values = RandomFloats(random, k * cols);
  c.stride = ActivationBytes(format, k);
  c.bytes = base::AlignedBuffer<uint8_t>(c.stride * cols);
  for (size_t i = 0; i < cols; ++i) {
    kernels.quantize(format, c.values.data() + i * k, c.bytes.data() + i * c.stride, k);
  }
  return c;
}

}  // namespace zell::kernels
