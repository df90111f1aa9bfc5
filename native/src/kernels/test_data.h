// Random weights of every type and columns to multiply them with, for this room's tests and benchmark.
#pragma once

#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

#include "base/aligned_buffer.h"
#include "kernels/kernels.h"

namespace zell::kernels {

constexpr quant::TensorType kAllTypes[] = {quant::TensorType::kF32,  quant::TensorType::kF16,  quant::TensorType::kBF16,
                                           quant::TensorType::kQ4_0, quant::TensorType::kQ4_1, quant::TensorType::kQ5_0,
                                           quant::TensorType::kQ5_1, quant::TensorType::kQ8_0, quant::TensorType::kQ2_K,
                                           quant::TensorType::kQ3_K, quant::TensorType::kQ4_K, quant::TensorType::kQ5_K,
                                           quant::TensorType::kQ6_K};

using Random = std::mt19937;

inline std::vector<float> RandomFloats(Random& random, size_t n, float spread = 1.0f) {
  std::normal_distribution<float> normal(0.0f, spread);
  std::vector<float> x(n);
  for (float& f : x) f = normal(random);
  return x;
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
      scale_at = end - 2;
      break;
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
