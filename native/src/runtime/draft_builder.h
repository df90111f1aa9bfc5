// Builds a draft head: lets the model write texts, trains the head on what it found likely, and tries it.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/status.h"
#include "runtime/summary.h"

namespace zell::runtime {

struct DraftBuildOptions {
  double seconds = 600;  ///< for all of it
  /// 0: as many as there is time for.
  uint64_t most_tokens = 0;  ///< that the model writes
  uint64_t most_steps = 0;   ///< of training
  uint32_t exit_layer = 0;   ///< 0: after 23 % of the layers
  uint32_t blocks = 2;       ///< 1 or 2
  uint32_t vocabulary = 8192;
  uint32_t text_tokens = 224;  ///< most of one text, prompt included
  uint32_t guesses = 8;        ///< most in a row when the head is tried
  /// A head with fewer tokens for each check is not kept.
  double least_gain = 1.2;
  uint64_t seed = 1;
};

struct DraftReport {
  uint32_t exit_layer = 0;
  uint32_t blocks = 0;
  uint64_t parameters = 0;
  uint64_t tokens = 0;  ///< learnt from
  uint64_t steps = 0;
  double loss = 0;  ///< divergence per token, of the last steps
  double text_seconds = 0, training_seconds = 0;
  /// On answers to prompts that nothing was learnt from, at temperature 0:
  double agreement = 0;         ///< share of tokens that head and model guess the same
  double tokens_per_check = 0;  ///< guesses that were right, and the token after them
  bool kept = false;
};

/// `prompts`: tokens of chat prompts, at least 8; each eighth is kept back for trying. Writes `out` unless the head
/// does not pay. `progress` is called on this thread, in thousandths.
/// @errors as Engine::Load, DraftTrainer::Open; kInvalidRequest: too few prompts; kCancelled; kIo.
base::Result<DraftReport> BuildDraftHead(const std::string& model, const std::vector<std::vector<int32_t>>& prompts,
                                         const std::string& out, const LoadOptions& load,
                                         const DraftBuildOptions& options,
                                         const std::function<void(uint64_t done, uint64_t total)>& progress,
                                         const std::atomic<bool>& stop);

}  // namespace zell::runtime
