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

/// x: one head's numbers of a group. What is not finite in f16 becomes so. scratch: KvRowScratchFloats(dim).
void WriteKeyRow(const kernels::Kernels& k, const KvGroup& group, const float* x, KvSlot to, float* scratch);
void WriteValueRow(const kernels::Kernels& k, const KvGroup& group, const float* x, KvSlot to, float* scratch);
constexpr size_t KvRowScratchFloats(size_t dim) { return 2 * kernels::KvGroups(dim) * kernels::kKvGroup; }

void CopyKeyRow(const KvGroup& group, KvSlot from, KvSlot to);
void CopyValueRow(const KvGroup& group, KvSlot from, KvSlot to);

}  // namespace zell::backend
