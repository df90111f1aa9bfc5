// What one run of a plan works on: tokens of several sequences, the KV blocks they see, and the rows wanted of it.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <vector>

#include "backend/plan.h"

#include "backend/adapter.h"

namespace zell::backend {

/// Consecutive tokens (or a draft tree) of one sequence.
struct BatchItem {
  std::span<const int32_t> tokens;
  /// Empty: a chain. Else parents[i] < i is the index of token i's parent, -1 for a child of the committed text.
  std::span<const int32_t> parents;
  uint32_t start = 0;  ///< position of a chain's first token: how many tokens the sequence holds before it
  /// [group] → block addresses. A chain's cover start + tokens.size() positions, and those from `start` on are
  /// written; a tree's cover `start` positions and are only read.
  std::vector<std::vector<uint8_t*>> blocks;
  /// [group] → blocks for a tree's own rows, by index in `tokens`; empty for chains.
  std::vector<std::vector<uint8_t*>> tree_blocks;
  /// LoRA adapters, each once, scales not 0.
  std::vector<AdapterUse> adapters = {};
};

/// A row of the last hidden state that the head runs on.
struct OutputRow {
  uint32_t item = 0;
  uint32_t token = 0;   ///< index in the item
  bool logits = false;  ///< else only the normed state
};

/// The hidden state of one token after `layer` layers, copied to `out` [embedding_length].
struct Tap {
  uint32_t item = 0;
  uint32_t token = 0;
  uint32_t layer = 0;
  float* out = nullptr;
};

struct Batch {
  std::vector<BatchItem> items;
  std::vector<OutputRow> outputs;  ///< those with logits first
  std::vector<Tap> taps;
};

/// Receives wanted rows in the order of Batch::outputs, on the thread that called Run.
class OutputSink {
 public:
  virtual ~OutputSink() = default;
  /// logits is empty when not wanted. Both live only during the call.
  virtual void OnOutput(size_t index, std::span<const float> normed, std::span<const float> logits) = 0;
};

/// Most tokens that one Run takes; callers cut longer prompts into slices, which changes no bit of any result.
constexpr size_t kMaxBatchTokens = 512;

/// The same for a plan: an encoder's texts go in one piece, however long its context is.
inline size_t MostBatchTokens(const Plan& plan) {
  return plan.encoder && plan.context_length > kMaxBatchTokens ? plan.context_length : kMaxBatchTokens;
}

}  // namespace zell::backend
