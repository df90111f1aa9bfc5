#include "runtime/memory_plan.h"

#include <algorithm>
#include <numeric>
#include <string>

#include "kv/cache.h"
#include "stream/matrix_stream.h"

namespace zell::runtime {
namespace {

// Less context than this is of no use to anybody.
constexpr uint32_t kLeastContext = 512;
// Beside streamed weights, which fill whatever they get: for other programs, and for what this plan does not know of.
constexpr uint64_t kMarginShare = 7;
// More than this, or half of what is available, no cache of experts takes by itself.
constexpr uint64_t kUsualCache = uint64_t{8} << 30;

// Of the memory for a dense model's layers, what those from the disk go through: time to read ahead while resident
// layers are computed and while tokens are chosen. What it takes more than that, it takes from resident layers.
constexpr uint64_t kBufferShare = 12;

std::string MiB(uint64_t bytes) { return std::to_string((bytes + (1 << 20) - 1) >> 20) + " MiB"; }

void PlanDirect(const ModelNeeds& needs, MemoryPlan& plan) {
  const uint64_t fixed = needs.weights_bytes + needs.scratch_bytes;
  const uint64_t least_blocks = kv::BlocksFor(std::min(needs.context, kLeastContext));
  plan.resident_bytes = needs.weights_bytes;
  plan.needed_bytes = fixed + least_blocks * needs.kv_block_bytes;
  const uint64_t left = plan.available_bytes > fixed ? plan.available_bytes - fixed : 0;
  const uint64_t affordable = left / 10 * 9 / std::max<uint64_t>(1, needs.kv_block_bytes);
  const uint64_t wanted = uint64_t{needs.sequences} * kv::BlocksFor(needs.context);
  plan.kv_blocks = std::max(least_blocks, std::min(wanted, affordable));
  plan.strategy = plan.needed_bytes <= plan.available_bytes ? Strategy::kDirect : Strategy::kRefused;
}

void PlanStreaming(const ModelNeeds& needs, MemoryPlan& plan) {
  plan.experts = needs.experts;
  plan.resident_bytes = needs.weights_bytes - std::min(needs.weights_bytes, needs.expert_bytes);
  plan.margin_bytes = plan.available_bytes / kMarginShare;
  const uint64_t fixed = plan.resident_bytes + needs.scratch_bytes + plan.margin_bytes;
  const uint64_t block = std::max<uint64_t>(1, needs.kv_block_bytes);
  const uint64_t least_blocks = kv::BlocksFor(std::min(needs.context, kLeastContext));
  const uint64_t least_cache = needs.least_slots * needs.slot_bytes;
  plan.needed_bytes = fixed + least_cache + least_blocks * block;
  if (plan.needed_bytes > plan.available_bytes) {
    plan.strategy = Strategy::kRefused;
    plan.kv_blocks = least_blocks;
    return;
  }
  const uint64_t left = plan.available_bytes - fixed;
  const uint64_t wanted = uint64_t{needs.sequences} * kv::BlocksFor(needs.context);
  const uint64_t affordable = std::min(left / 4, left - least_cache) / block;
  plan.kv_blocks = std::max(least_blocks, std::min(wanted, affordable));
  const uint64_t most =
      needs.most_cache_bytes > 0 ? needs.most_cache_bytes : std::max(kUsualCache, plan.available_bytes / 2);
  const uint64_t cache = std::max(least_cache, std::min(left - plan.kv_blocks * block, most));
  plan.expert_slots = std::min(needs.experts, cache / needs.slot_bytes);
  plan.expert_cache_bytes = plan.expert_slots * needs.slot_bytes;
  plan.strategy = plan.expert_slots >= needs.experts / 4 * 3 ? Strategy::kHybrid : Strategy::kStreaming;
}

// The output layer and the first layers stay in memory, the others are read whenever their turn comes.
void PlanLayers(const ModelNeeds& needs, MemoryPlan& plan) {
  const uint64_t layers = std::accumulate(needs.matrix_bytes.begin(), needs.matrix_bytes.end(), uint64_t{0});
  const uint64_t table = needs.tied ? 0 : needs.embedding_bytes;
  const uint64_t always = needs.weights_bytes - std::min(needs.weights_bytes, layers + needs.logits_bytes + table);
  plan.margin_bytes = plan.available_bytes / kMarginShare;
  const uint64_t fixed = always + needs.scratch_bytes + plan.margin_bytes;
  const uint64_t block = std::max<uint64_t>(1, needs.kv_block_bytes);
  const uint64_t least_blocks = kv::BlocksFor(std::min(needs.context, kLeastContext));
  plan.resident_bytes = always;
  plan.needed_bytes = fixed + needs.least_buffer + least_blocks * block;
  plan.kv_blocks = least_blocks;
  plan.strategy = Strategy::kRefused;
  if (plan.needed_bytes > plan.available_bytes) return;
  const uint64_t left = plan.available_bytes - fixed;
  const uint64_t wanted = uint64_t{needs.sequences} * kv::BlocksFor(needs.context);
  plan.kv_blocks = std::max(least_blocks, std::min(wanted, left / 8 / block));
  const uint64_t room = left - plan.kv_blocks * block;
  plan.buffer_bytes = std::max(needs.least_buffer, room / kBufferShare);
  if (room / 4 > needs.least_buffer) {
    plan.buffer_bytes = std::max(plan.buffer_bytes, std::min(needs.least_buffer / 2 * 3, room / 4));
  }
  uint64_t free = room - std::min(room, plan.buffer_bytes);
  if (free < needs.logits_bytes) {
    plan.streamed_bytes = needs.logits_bytes;
  } else {
    plan.resident_logits = true;
    free -= needs.logits_bytes;
    plan.resident_bytes += needs.logits_bytes;
  }
  bool full = false;
  for (const uint64_t bytes : needs.matrix_bytes) {
    full = full || bytes > free;
    if (full) {
      plan.streamed_bytes += bytes;
      continue;
    }
    free -= bytes;
    plan.resident_bytes += bytes;
    ++plan.resident_matrices;
  }
  plan.strategy = plan.streamed_bytes <= needs.weights_bytes / 4 ? Strategy::kHybrid : Strategy::kStreaming;
}

}  // namespace

ModelNeeds NeedsOf(const backend::Plan& plan, const std::vector<stream::Bank>& banks, const stream::Turns& turns,
                   uint64_t weights_bytes, uint64_t scratch_bytes) {
  ModelNeeds needs;
  needs.weights_bytes = weights_bytes;
  needs.scratch_bytes = scratch_bytes;
  needs.kv_block_bytes = kv::BlockBytes(plan.kv_groups);
  if (banks.empty()) {
    for (const stream::Turn& turn : turns.body) needs.matrix_bytes.push_back(turn.bytes);
    needs.logits_bytes = stream::BytesOf(turns.head);
    if (turns.embedding) needs.embedding_bytes = turns.embedding->rows * turns.embedding->row_bytes;
    needs.tied = turns.embedding && turns.embedding->in_head;
    needs.least_buffer = std::max(stream::LeastBuffer(turns.body), stream::LeastBuffer(turns.head));
    return needs;
  }
  needs.expert_bytes = stream::ExpertBytes(banks);
  needs.slot_bytes = stream::SlotBytes(banks);
  needs.least_slots = stream::LeastSlots(banks);
  needs.experts = stream::CountExperts(banks);
  return needs;
}

MemoryPlan PlanMemory(const ModelNeeds& needs, const base::MemoryInfo& memory, uint64_t limit_bytes) {
  MemoryPlan plan;
  plan.weights_bytes = needs.weights_bytes;
  plan.scratch_bytes = needs.scratch_bytes;
  plan.kv_block_bytes = needs.kv_block_bytes;
  // A system that does not say how much there is does not stop us.
  plan.available_bytes = memory.available_bytes == 0 ? uint64_t{1} << 60 : memory.available_bytes;
  if (limit_bytes > 0) plan.available_bytes = std::min(plan.available_bytes, limit_bytes);
  PlanDirect(needs, plan);
  const bool roomy = needs.weights_bytes <= plan.available_bytes / 5 * 4;
  if (needs.experts > 0 && needs.slot_bytes > 0 && (!roomy || !plan.fits())) PlanStreaming(needs, plan);
  const bool fits_well = plan.needed_bytes <= plan.available_bytes / 10 * 9;
  if (!needs.matrix_bytes.empty() && (!plan.fits() || (!roomy && !fits_well))) {
    MemoryPlan layers = plan;
    PlanLayers(needs, layers);
    if (layers.streamed_bytes > 0 || !plan.fits()) plan = layers;
  }
  return plan;
}

base::Status CheckFit(const MemoryPlan& plan) {
  if (plan.fits()) return base::Status::Ok();
  const std::string least = plan.experts > 0        ? ", even with its experts on the disk"
                            : plan.margin_bytes > 0 ? ", even with its layers on the disk"
                                                    : " (" + MiB(plan.weights_bytes) + " of weights)";
  return {base::StatusCode::kOutOfMemory,
          "the model needs " + MiB(plan.needed_bytes) + least + ", " + MiB(plan.available_bytes) + " are available"};
}

}  // namespace zell::runtime
