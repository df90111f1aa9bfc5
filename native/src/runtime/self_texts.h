// Texts that a model writes itself, with what a draft head learns of them.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <vector>

#include "runtime/engine.h"
#include "train/draft_trainer.h"

namespace zell::runtime {

struct SelfTextOptions {
  PairWant pairs;
  uint32_t text_tokens = 224;  ///< most of one text, prompt included
  uint32_t side_by_side = 24;  ///< texts that are written at once
  float temperature = 0.8f;    ///< of answers; free texts have 1
  bool free_texts = true;      ///< every third text begins with nothing
  uint64_t most_tokens = 0;    ///< 0: until the time is over
  uint64_t most_texts = 0;     ///< 0: prompts are used again
  std::chrono::steady_clock::time_point until;
  uint64_t seed = 1;
};

/// `progress`: the share that is done. @errors of Engine::Step; kCancelled.
base::Result<std::vector<train::DraftText>> WriteTexts(Engine& engine, const std::vector<std::vector<int32_t>>& prompts,
                                                       const SelfTextOptions& options,
                                                       const std::function<void(double)>& progress,
                                                       const std::atomic<bool>& stop);

/// Runs one step and waits for it. @errors as Engine::Step.
base::Result<std::vector<StepOutput>> StepAndWait(Engine& engine, std::vector<StepItem> items);

}  // namespace zell::runtime
