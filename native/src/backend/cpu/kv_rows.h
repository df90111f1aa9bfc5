// One token's keys and values of one layer: written into a block, copied from one block to another.
#pragma once

#include <cstddef>
#include <cstdint>

#include "backend/kv_layout.h"
#include "kernels/kernels.h"

namespace zell::backend {

/// A head's part of a block, and which of its tokens.
struct KvSlot {
  uint16_t* head;
  size_t token;
};

/// x: `dim` numbers of one head. What is not finite in f16 becomes so. scratch: KvRowScratchFloats(dim).
void WriteKeyRow(const kernels::Kernels& k, KvType type, const float* x, size_t dim, KvSlot to, float* scratch);
void WriteValueRow(const kernels::Kernels& k, KvType type, const float* x, size_t dim, KvSlot to, float* scratch);
constexpr size_t KvRowScratchFloats(size_t dim) { return 2 * KvLayout::Groups(dim) * KvLayout::kGroup; }

void CopyKeyRow(KvType type, size_t dim, KvSlot from, KvSlot to);
void CopyValueRow(KvType type, size_t dim, KvSlot from, KvSlot to);

}  // namespace zell::backend
