// What a model will take of this machine's memory, decided before anything is taken.
#pragma once

#include <cstdint>

#include "backend/backend.h"
#include "base/memory_info.h"
#include "base/status.h"
#include "stream/bank.h"

namespace zell::runtime {

/// How weights are kept.
enum class Strategy {
  kDirect,     ///< all of them in memory
  kHybrid,     ///< experts come from the disk, but most of them stay in memory
  kStreaming,  ///< experts come from the disk
  kRefused,    ///< in no way
};

/// What there is to plan.
struct ModelNeeds {
  uint64_t weights_bytes = 0;     ///< of all files
  uint64_t expert_bytes = 0;      ///< of them, experts that may stay on the disk
  uint64_t slot_bytes = 0;        ///< of a place in memory for any one expert
  uint64_t least_slots = 0;       ///< places that a step needs
  uint64_t experts = 0;           ///< 0: nothing can stay on the disk
  uint64_t most_cache_bytes = 0;  ///< for experts; 0: 8 GiB, or half of what is available
  uint64_t scratch_bytes = 0;     ///< of the largest batch
  uint64_t kv_block_bytes = 0;    ///< one block in every group
  uint32_t context = 0;
  uint32_t sequences = 0;
};

struct MemoryPlan {
  Strategy strategy = Strategy::kDirect;
  uint64_t weights_bytes = 0;       ///< of all files
  uint64_t resident_bytes = 0;      ///< of them, always in memory
  uint64_t expert_cache_bytes = 0;  ///< 0: nothing is streamed
  uint64_t expert_slots = 0;        ///< experts that the cache has room for
  uint64_t experts = 0;             ///< that may stay on the disk
  uint64_t scratch_bytes = 0;       ///< of the largest batch
  uint64_t margin_bytes = 0;        ///< left to everything else when experts are streamed
  uint64_t kv_block_bytes = 0;      ///< one block in every group
  uint64_t kv_blocks = 0;           ///< most blocks that the KV cache may grow to
  uint64_t needed_bytes = 0;        ///< the least that it runs with: with the KV cache of a short text
  uint64_t available_bytes = 0;

  bool fits() const { return strategy != Strategy::kRefused; }
  bool streams() const { return strategy == Strategy::kHybrid || strategy == Strategy::kStreaming; }
};

/// What a compiled plan needs. `banks`: of the plan.
ModelNeeds NeedsOf(const backend::Plan& plan, const std::vector<stream::Bank>& banks, uint64_t weights_bytes,
                   uint64_t scratch_bytes);

/// Weights stay in memory when they take at most 80 % of what is available, or when nothing can stay on the disk. The
/// KV cache may grow to `sequences` full contexts, or to what 90 % of the memory left over by the rest can hold; beside
/// streamed experts, to a quarter of that memory.
/// @param limit_bytes of what may be used of the available memory; 0: all
MemoryPlan PlanMemory(const ModelNeeds& needs, const base::MemoryInfo& memory, uint64_t limit_bytes = 0);

/// kOutOfMemory with the numbers when the plan does not fit.
base::Status CheckFit(const MemoryPlan& plan);

}  // namespace zell::runtime
