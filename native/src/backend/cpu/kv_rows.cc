#include "backend/cpu/kv_rows.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "backend/hadamard.h"

namespace zell::backend {
namespace {

constexpr size_t kGroup = KvLayout::kGroup;
static_assert(kGroup == kernels::kAttendGroup);

// A value beyond f16 would turn into infinity and, times a masked zero, into NaN for later readers of the block.
void ToFiniteF16(const kernels::Kernels& k, const float* x, uint16_t* y, size_t n) {
  k.f32_to_f16(x, y, n);
  for (size_t i = 0; i < n; ++i) {
    if ((y[i] & 0x7c00) == 0x7c00) y[i] = (y[i] & 0x03ff) != 0 ? 0 : static_cast<uint16_t>((y[i] & 0x8000) | 0x7bff);
  }
}

// A row in 8 bits.
struct Row {
  const int8_t* numbers;   // [groups, kGroup]
  const uint16_t* scales;  // [groups]
};

Row Quantise(const kernels::Kernels& k, const float* x, size_t dim, float* scratch) {
  constexpr float kMost = 65504.0f;  // as for f16
  const size_t groups = KvLayout::Groups(dim), padded = groups * kGroup;
  for (size_t i = 0; i < dim; ++i) scratch[i] = std::isnan(x[i]) ? 0.0f : std::clamp(x[i], -kMost, kMost);
  RotateHadamard(scratch, dim);
  std::fill(scratch + dim, scratch + padded, 0.0f);
  int8_t* numbers = reinterpret_cast<int8_t*>(scratch + padded);
  uint16_t* scales = reinterpret_cast<uint16_t*>(numbers + padded);
  k.quantize_kv(scratch, numbers, scales, groups);
  return {numbers, scales};
}

uint16_t* ScalesOf(uint16_t* head, size_t dim) { return head + KvLayout::Groups(dim) * kGroup * kBlockTokens / 2; }

int8_t* KeyBytes(KvSlot slot, size_t group) {
  return reinterpret_cast<int8_t*>(slot.head) + (group * (kGroup / 4) * kBlockTokens + slot.token) * 4;
}
int8_t* ValueBytes(KvSlot slot, size_t dim) {
  return reinterpret_cast<int8_t*>(slot.head) + slot.token * KvLayout::Groups(dim) * kGroup;
}

void CopyScales(size_t dim, KvSlot from, KvSlot to) {
  const uint16_t* source = ScalesOf(from.head, dim) + from.token;
  uint16_t* target = ScalesOf(to.head, dim) + to.token;
  for (size_t g = 0; g < KvLayout::Groups(dim); ++g) target[g * kBlockTokens] = source[g * kBlockTokens];
}

}  // namespace

void WriteKeyRow(const kernels::Kernels& k, KvType type, const float* x, size_t dim, KvSlot to, float* scratch) {
  if (type == KvType::kF16) {
    uint16_t* half = reinterpret_cast<uint16_t*>(scratch);
    ToFiniteF16(k, x, half, dim);
    for (size_t i = 0; i < dim; ++i) to.head[i * kBlockTokens + to.token] = half[i];
    return;
  }
  const Row row = Quantise(k, x, dim, scratch);
  for (size_t g = 0; g < KvLayout::Groups(dim); ++g) {
    int8_t* bytes = KeyBytes(to, g);
    for (size_t i = 0; i < kGroup; i += 4) std::memcpy(bytes + i * kBlockTokens, row.numbers + g * kGroup + i, 4);
    ScalesOf(to.head, dim)[g * kBlockTokens + to.token] = row.scales[g];
  }
}

void WriteValueRow(const kernels::Kernels& k, KvType type, const float* x, size_t dim, KvSlot to, float* scratch) {
  if (type == KvType::kF16) return ToFiniteF16(k, x, to.head + to.token * dim, dim);
  const Row row = Quantise(k, x, dim, scratch);
  std::memcpy(ValueBytes(to, dim), row.numbers, KvLayout::Groups(dim) * kGroup);
  for (size_t g = 0; g < KvLayout::Groups(dim); ++g) {
    ScalesOf(to.head, dim)[g * kBlockTokens + to.token] = row.scales[g];
  }
}

void CopyKeyRow(KvType type, size_t dim, KvSlot from, KvSlot to) {
  if (type == KvType::kF16) {
    for (size_t i = 0; i < dim; ++i) to.head[i * kBlockTokens + to.token] = from.head[i * kBlockTokens + from.token];
    return;
  }
  for (size_t g = 0; g < KvLayout::Groups(dim); ++g) {
    for (size_t i = 0; i < kGroup; i += 4) {
      std::memcpy(KeyBytes(to, g) + i * kBlockTokens, KeyBytes(from, g) + i * kBlockTokens, 4);
    }
  }
  CopyScales(dim, from, to);
}

void CopyValueRow(KvType type, size_t dim, KvSlot from, KvSlot to) {
  if (type == KvType::kF16) {
    std::copy_n(from.head + from.token * dim, dim, to.head + to.token * dim);
    return;
  }
  std::memcpy(ValueBytes(to, dim), ValueBytes(from, dim), KvLayout::Groups(dim) * kGroup);
  CopyScales(dim, from, to);
}

}  // namespace zell::backend
