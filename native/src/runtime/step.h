// What goes into a step and what comes out of it.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/status.h"
#include "lora/adapter.h"
#include "sampling/sampler.h"

namespace zell::runtime {

enum class Pooling { kNone, kMean, kLast, kFirst };

/// What a draft head learns from, of each token of an item.
struct PairWant {
  uint32_t layer = 0;  ///< the hidden state after so many layers, and
  uint32_t top = 0;    ///< so many of the likeliest tokens after it
};

struct Want {
  bool sample = false;
  /// Log-probabilities of the best tokens after the last one; with `sample` that of the chosen one too.
  std::optional<uint32_t> top_logprobs;
  /// With both: over what the chain of samplers left, not over the model's own distribution.
  bool post_sampling = false;
  /// Empty, or for each token an id whose log-probability after it is wanted; -1 for none.
  std::vector<int32_t> score;
  bool logits = false;
  std::optional<uint32_t> hidden_layer;
  Pooling pooled = Pooling::kNone;
  std::optional<PairWant> pairs;  ///< not with guesses or a tree
};

struct StepItem {
  uint32_t sequence = 0;
  std::vector<int32_t> tokens;
  std::vector<int32_t> parents;  ///< empty for a chain; a tree's rows are never committed
  std::vector<lora::AdapterUse> adapters;
  /// So many of the last tokens are guesses of what will be sampled: a token is sampled after the one before them and
  /// after each guess that was right. The sequence keeps no wrong guess and none after it. Only with want.sample, and
  /// of the rest want.top_logprobs.
  uint32_t draft = 0;
  /// The draft head, if the model has one, may add so many guesses to the item's only token, as its draft, while all of
  /// them are right with this chance at least. Only with want.sample, and of the rest want.top_logprobs.
  uint32_t propose = 0;
  float least_chance = 0;
  Want want;
};

/// What is said about a token that was sampled.
struct TokenReport {
  float logprob = 0;
  std::vector<sampling::TokenProbability> top;
};

/// Vectors stay empty unless wanted.
struct StepOutput {
  uint32_t sequence = 0;
  base::Status status;             ///< not ok: the item ended with it, the sequence keeps what it had before
  std::optional<int32_t> sampled;  ///< after the accepted guesses
  uint32_t accepted = 0;           ///< guesses that were right, from the first on
  std::vector<int32_t> proposed;   ///< guesses of the draft head that were checked
  std::optional<float> sampled_logprob;
  std::optional<std::vector<sampling::TokenProbability>> top;
  std::vector<TokenReport> accepted_reports;          ///< [accepted], with top_logprobs
  std::vector<float> scores;                          ///< [tokens]; 0 where no id was asked for
  std::vector<float> logits;                          ///< [tokens, vocabulary]
  std::vector<float> hidden;                          ///< [embedding]
  std::vector<float> pooled;                          ///< [embedding]
  std::vector<float> pair_states;                     ///< [tokens][embedding]
  std::vector<sampling::TokenProbability> pair_tops;  ///< [tokens][top], best first
};

}  // namespace zell::runtime
