// What a model will take of this machine's memory, decided before anything is taken.
#pragma once

#include <cstdint>

#include "backend/backend.h"
#include "base/memory_info.h"
#include "base/status.h"

namespace zell::runtime {

struct MemoryPlan {
  uint64_t weights_bytes = 0;   ///< mapped
  uint64_t scratch_bytes = 0;   ///< of the largest batch
  uint64_t kv_block_bytes = 0;  ///< one block in every group
  uint64_t kv_blocks = 0;       ///< most blocks that the KV cache may grow to
  uint64_t needed_bytes = 0;    ///< weights, scratch and the KV cache of a short text
  uint64_t available_bytes = 0;

  bool fits() const { return needed_bytes <= available_bytes; }
};

/// The KV cache may grow to `sequences` full contexts, or to what 90 % of the memory left over by the rest can hold.
MemoryPlan PlanMemory(uint64_t weights_bytes, uint64_t scratch_bytes, uint64_t kv_block_bytes, uint32_t context,
                      uint32_t sequences, const base::MemoryInfo& memory);

/// kOutOfMemory with the numbers when the plan does not fit.
base::Status CheckFit(const MemoryPlan& plan);

}  // namespace zell::runtime
