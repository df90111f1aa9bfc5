#include "runtime/memory_plan.h"

#include <algorithm>
#include <string>

#include "kv/cache.h"

namespace zell::runtime {
namespace {

// Less context than this is of no use to anybody.
constexpr uint32_t kLeastContext = 512;

std::string MiB(uint64_t bytes) { return std::to_string((bytes + (1 << 20) - 1) >> 20) + " MiB"; }

}  // namespace

MemoryPlan PlanMemory(uint64_t weights_bytes, uint64_t scratch_bytes, uint64_t kv_block_bytes, uint32_t context,
                      uint32_t sequences, const base::MemoryInfo& memory) {
  MemoryPlan plan;
  plan.weights_bytes = weights_bytes;
  plan.scratch_bytes = scratch_bytes;
  plan.kv_block_bytes = kv_block_bytes;
  // A system that does not say how much there is does not stop us.
  plan.available_bytes = memory.available_bytes == 0 ? uint64_t{1} << 60 : memory.available_bytes;
  const uint64_t least_blocks = kv::BlocksFor(std::min(context, kLeastContext));
  plan.needed_bytes = weights_bytes + scratch_bytes + least_blocks * kv_block_bytes;
  const uint64_t fixed = weights_bytes + scratch_bytes;
  const uint64_t left = plan.available_bytes > fixed ? plan.available_bytes - fixed : 0;
  const uint64_t affordable = left / 10 * 9 / std::max<uint64_t>(1, kv_block_bytes);
  const uint64_t wanted = uint64_t{sequences} * kv::BlocksFor(context);
  plan.kv_blocks = std::max(least_blocks, std::min(wanted, affordable));
  return plan;
}

base::Status CheckFit(const MemoryPlan& plan) {
  if (plan.fits()) return base::Status::Ok();
  return {base::StatusCode::kOutOfMemory, "the model needs " + MiB(plan.needed_bytes) + " (" + MiB(plan.weights_bytes) +
                                              " of weights), " + MiB(plan.available_bytes) + " are available"};
}

}  // namespace zell::runtime
