// What a model will take of this machine's memory, decided before anything is taken.
#pragma once

#include <cstdint>

#include "backend/backend.h"
#include "base/memory_info.h"
#include "base/status.h"
#include "stream/bank.h"
#include "stream/turns.h"

namespace zell::runtime {

/// How weights are kept.
enum class Strategy {
  kDirect,     ///< all of them in memory
  kHybrid,     ///< experts or layers come from the disk, but most of them stay in memory
  kStreaming,  ///< experts or layers come from the disk
  kRefused,    ///< in no way
};

/// What there is to plan.
struct ModelNeeds {
  uint64_t weights_bytes = 0;  ///< of all files
  uint64_t expert_bytes = 0;   ///< of them, experts that may stay on the disk
  uint64_t slot_bytes = 0;     ///< of a place in memory for any one expert
  uint64_t least_slots = 0;    ///< places that a step needs
  uint64_t experts = 0;        ///< 0: a dense model, or nothing can stay on the disk
  /// Of a dense model: the matrices of each op that may stay on the disk, in the order in which a run comes to them.
  std::vector<uint64_t> matrix_bytes;
  uint64_t logits_bytes = 0;      ///< of the output layer, if it may stay there too
  uint64_t embedding_bytes = 0;   ///< of a table that is then read by rows
  bool tied = false;              ///< the two are one tensor
  uint64_t least_buffer = 0;      ///< memory that reading them takes at least
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
  uint64_t streamed_bytes = 0;      ///< of a dense model: what each run reads of layers; 0: nothing
  uint64_t buffer_bytes = 0;        ///< memory that they go through
  uint64_t resident_matrices = 0;   ///< the first of ModelNeeds::matrix_bytes, which stay in memory
  bool resident_logits = false;     ///< so does the output layer
  uint64_t scratch_bytes = 0;       ///< of the largest batch
  uint64_t margin_bytes = 0;        ///< left to everything else when weights are streamed
  uint64_t kv_block_bytes = 0;      ///< one block in every group
  uint64_t kv_blocks = 0;           ///< most blocks that the KV cache may grow to
  uint64_t needed_bytes = 0;        ///< the least that it runs with: with the KV cache of a short text
  uint64_t available_bytes = 0;

  bool fits() const { return strategy != Strategy::kRefused; }
  /// Weights come from the disk while it runs: experts, or layers.
  bool streams() const { return strategy == Strategy::kHybrid || strategy == Strategy::kStreaming; }
};

/// What a compiled plan needs. `banks` and `turns`: of the plan.
ModelNeeds NeedsOf(const backend::Plan& plan, const std::vector<stream::Bank>& banks, const stream::Turns& turns,
                   uint64_t weights_bytes, uint64_t scratch_bytes);

/// Weights stay in memory when they take at most 80 % of what is available, or when nothing can stay on the disk; those
/// of a dense model, of which every token reads all that does not, also when everything it needs takes at most 90 %.
/// The KV cache may grow to `sequences` full contexts, or to what 90 % of the memory left over by the rest can hold;
/// beside streamed experts to a quarter of that memory, beside streamed layers to an eighth.
/// @param limit_bytes of what may be used of the available memory; 0: all
MemoryPlan PlanMemory(const ModelNeeds& needs, const base::MemoryInfo& memory, uint64_t limit_bytes = 0);

/// kOutOfMemory with the numbers when the plan does not fit.
base::Status CheckFit(const MemoryPlan& plan);

}  // namespace zell::runtime
