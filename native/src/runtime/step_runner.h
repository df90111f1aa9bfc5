// Runs the items of one step through an executor, in slices that fit a batch.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <vector>

#include "backend/backend.h"
#include "kv/sequence.h"
#include "runtime/step.h"
#include "sampling/sampler.h"

namespace zell::runtime {

/// An item on its way through a step.
struct RunningItem {
  StepItem* item = nullptr;                   ///< guesses are added to it
  uint32_t start = 0;                         ///< tokens that the sequence holds
  std::vector<std::vector<uint8_t*>> blocks;  ///< of the sequence
  std::vector<std::vector<uint8_t*>> tree_blocks;
  std::vector<backend::AdapterUse> adapters;  ///< the sequence keeps them alive
  std::shared_ptr<sampling::Sampler> sampler;
  const std::atomic<bool>* cancelled = nullptr;
  bool decided = false;  ///< its token is chosen: a later cancellation does not count
  bool settled = false;  ///< no guess is left that may be right
  size_t pooled_rows = 0;
  StepOutput output;
};

/// Makes room for an item's first `tokens` tokens and refreshes its `blocks`; trees have theirs already.
using MakeRoom = std::function<base::Status(RunningItem& item, size_t tokens)>;

/// Fills the items' outputs; a status of an item that is not ok on entry leaves it out. Touches sequences only through
/// `make_room`, slice by slice, so that a long prompt takes its memory as it goes.
void RunItems(backend::Executor& executor, const backend::Plan& plan, std::vector<RunningItem>& items,
              const MakeRoom& make_room, const std::atomic<bool>& stop);

}  // namespace zell::runtime
