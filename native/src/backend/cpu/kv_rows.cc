#include "backend/cpu/kv_rows.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "backend/hadamard.h"

namespace zell::backend {
namespace {

using kernels::kKvGroup;
using kernels::KvGroups;

// Keys of fewer bits than f16 lie transposed in pieces of four bytes.
constexpr size_t kPiece = 4;

// A value beyond f16 would turn into infinity and, times a masked zero, into NaN for later readers of the block.
void ToFiniteF16(const kernels::Kernels& k, const float* x, uint16_t* y, size_t n) {
  k.f32_to_f16(x, y, n);
  for (size_t i = 0; i < n; ++i) {
    if ((y[i] & 0x7c00) == 0x7c00) y[i] = (y[i] & 0x03ff) != 0 ? 0 : static_cast<uint16_t>((y[i] & 0x8000) | 0x7bff);
  }
}

// Bytes of a row's numbers, without the scales.
size_t RowBytes(kernels::KvType type, size_t dim) { return KvGroups(dim) * kernels::KvGroupBytes(type); }

// A row in fewer bits than f16.
struct Row {
  const uint8_t* numbers;
  const uint16_t* scales;  // [groups]
};

Row Quantise(const kernels::KvKernels& k, const KvGroup& group, const float* x, size_t dim, float* scratch) {
  constexpr float kMost = 65504.0f;  // as for f16
  const size_t groups = KvGroups(dim), padded = groups * kKvGroup;
  for (size_t i = 0; i < dim; ++i) scratch[i] = std::isnan(x[i]) ? 0.0f : std::clamp(x[i], -kMost, kMost);
  if (group.rotates()) RotateHadamard(scratch, dim);
  std::fill(scratch + dim, scratch + padded, 0.0f);
  uint16_t* scales = reinterpret_cast<uint16_t*>(scratch + padded);
  uint8_t* numbers = reinterpret_cast<uint8_t*>(scales + groups);
  k.quantize(scratch, numbers, scales, groups);
  return {numbers, scales};
}

uint8_t* KeyPiece(KvSlot slot, size_t piece) {
  return reinterpret_cast<uint8_t*>(slot.head) + (piece * kBlockTokens + slot.token) * kPiece;
}
uint8_t* ValueBytes(KvSlot slot, size_t row_bytes) {
  return reinterpret_cast<uint8_t*>(slot.head) + slot.token * row_bytes;
}
// The scale of the row's first group; the next ones lie kBlockTokens further each.
uint16_t* ScalesOf(KvSlot slot, size_t row_bytes) { return slot.head + row_bytes * kBlockTokens / 2 + slot.token; }

void WriteScales(const Row& row, size_t dim, size_t row_bytes, KvSlot to) {
  for (size_t g = 0; g < KvGroups(dim); ++g) ScalesOf(to, row_bytes)[g * kBlockTokens] = row.scales[g];
}

void CopyScales(size_t dim, size_t row_bytes, KvSlot from, KvSlot to) {
  const uint16_t* source = ScalesOf(from, row_bytes);
  uint16_t* target = ScalesOf(to, row_bytes);
  for (size_t g = 0; g < KvGroups(dim); ++g) target[g * kBlockTokens] = source[g * kBlockTokens];
}

}  // namespace

void WriteKeyRow(const kernels::Kernels& k, const KvGroup& group, const float* x, KvSlot to, float* scratch) {
  const size_t dim = group.key_dim;
  const kernels::KvType type = KeyType(group.type);
  if (type == kernels::KvType::kF16) {
    uint16_t* half = reinterpret_cast<uint16_t*>(scratch);
    ToFiniteF16(k, x, half, dim);
    for (size_t i = 0; i < dim; ++i) to.head[i * kBlockTokens + to.token] = half[i];
    return;
  }
  const Row row = Quantise(k.kv[static_cast<size_t>(type)], group, x, dim, scratch);
  const size_t bytes = RowBytes(type, dim);
  for (size_t i = 0; i < bytes / kPiece; ++i) std::memcpy(KeyPiece(to, i), row.numbers + i * kPiece, kPiece);
  WriteScales(row, dim, bytes, to);
}

void WriteValueRow(const kernels::Kernels& k, const KvGroup& group, const float* x, KvSlot to, float* scratch) {
  const size_t dim = group.value_dim;
  const kernels::KvType type = ValueType(group.type);
  if (type == kernels::KvType::kF16) return ToFiniteF16(k, x, to.head + to.token * dim, dim);
  const Row row = Quantise(k.kv[static_cast<size_t>(type)], group, x, dim, scratch);
  const size_t bytes = RowBytes(type, dim);
  std::memcpy(ValueBytes(to, bytes), row.numbers, bytes);
  WriteScales(row, dim, bytes, to);
}

void CopyKeyRow(const KvGroup& group, KvSlot from, KvSlot to) {
  const size_t dim = group.key_dim;
  const kernels::KvType type = KeyType(group.type);
  if (type == kernels::KvType::kF16) {
    for (size_t i = 0; i < dim; ++i) to.head[i * kBlockTokens + to.token] = from.head[i * kBlockTokens + from.token];
    return;
  }
  const size_t bytes = RowBytes(type, dim);
  for (size_t i = 0; i < bytes / kPiece; ++i) std::memcpy(KeyPiece(to, i), KeyPiece(from, i), kPiece);
  CopyScales(dim, bytes, from, to);
}

void CopyValueRow(const KvGroup& group, KvSlot from, KvSlot to) {
  const size_t dim = group.value_dim;
  const kernels::KvType type = ValueType(group.type);
  if (type == kernels::KvType::kF16) {
    std::copy_n(from.head + from.token * dim, dim, to.head + to.token * dim);
    return;
  }
  const size_t bytes = RowBytes(type, dim);
  std::memcpy(ValueBytes(to, bytes), ValueBytes(from, bytes), bytes);
  CopyScales(dim, bytes, from, to);
}

}  // namespace zell::backend
