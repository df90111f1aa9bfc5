// Runs the items of one step through an executor, in slices that fit a batch.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "backend/backend.h"
#include "kv/sequence.h"
#include "runtime/step.h"
#include "sampling/sampler.h"

namespace zell::runtime {

/// An item on its way through a step.
struct RunningItem {
  const StepItem* item = nullptr;
  uint32_t start = 0;                         ///< tokens that the sequence holds
  std::vector<std::vector<uint8_t*>> blocks;  ///< of the sequence, room for the item's tokens included
  std::vector<std::vector<uint8_t*>> tree_blocks;
  std::shared_ptr<sampling::Sampler> sampler;
  const std::atomic<bool>* cancelled = nullptr;
  bool decided = false;  ///< its token is chosen: a later cancellation does not count
  size_t pooled_rows = 0;
  StepOutput output;
};

/// Fills the items' outputs; a status of an item that is not ok on entry leaves it out. Does not touch sequences.
void RunItems(backend::Executor& executor, const backend::Plan& plan, std::vector<RunningItem>& items,
              const std::atomic<bool>& stop);

}  // namespace zell::runtime
