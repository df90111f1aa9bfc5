// What all threads share while the CPU backend runs one batch.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "backend/batch.h"
#include "backend/cpu/low_rank.h"
#include "backend/cpu/scratch_buffer.h"
#include "backend/cpu/task_queue.h"
#include "backend/expert_source.h"
#include "backend/kv_layout.h"
#include "backend/plan.h"
#include "kernels/kernels.h"

namespace zell::backend {

/// Attention splits the context here, whatever the batch and the number of threads: partial sums of a chunk are made
/// block by block, chunks are combined in order. Part of the numerics contract.
constexpr size_t kChunkTokens = 256;

/// Columns (queries) that attention works on at once.
constexpr size_t kAttentionColumns = 48;

/// Outputs that the head computes at once: bounds the logits in memory at 32 rows of the vocabulary.
constexpr size_t kHeadRows = 32;

/// One row of the batch.
struct TokenRow {
  uint32_t item = 0;
  uint32_t index = 0;      ///< in the item
  uint32_t position = 0;   ///< in the text: a tree token's is that of its depth
  uint32_t last_seen = 0;  ///< the last position that attention shows it: its own, or an encoder's last
  int32_t token = 0;
  /// Where this row's partial attention lies when its context is split between threads; -1 when it is not.
  int32_t split = -1;
};

/// Consecutive queries of one item against a range of chunks; every KV head is a task of its own.
struct AttentionTask {
  uint32_t first_row = 0;
  uint32_t n_rows = 0;
  uint32_t first_chunk = 0;
  uint32_t end_chunk = 0;
};

/// cos and sin of one RopeSpec for every row: [rows][dims/2] each.
struct RopeTable {
  std::vector<float> cosine;
  std::vector<float> sine;
};

/// The tokens of a batch sorted by expert. A place is row * experts per token + rank.
struct ExpertGroups {
  std::vector<uint32_t> begin;   ///< [expert] → its first index in `places`; one more at the end
  std::vector<uint32_t> places;  ///< in the order of the batch within an expert
  std::vector<uint32_t> active;  ///< experts that have any, those with most first
  std::vector<uint32_t> next;    ///< scratch of the sorting
  std::vector<ExpertUse> uses;   ///< `active` as an ExpertSource wants it
};

struct RunState {
  const Batch* batch = nullptr;
  const std::atomic<bool>* stop = nullptr;
  std::vector<TokenRow> rows;
  std::vector<AttentionTask> tasks;
  /// For rows of trees: indices in the item from the root down to the token itself; empty for chains.
  std::vector<std::vector<uint32_t>> paths;
  std::vector<RopeTable> ropes;
  size_t attention_rows = 1;  ///< most queries in a task: the least that any attention op of the plan can take
  size_t n_split = 0;
  size_t max_chunks = 0;  ///< of a split row

  LowRankState low_rank;
  /// [routing of the plan]. Each is written once in a run, so that a thread that comes late counts the same tasks.
  std::vector<ExpertGroups> groups;
  /// Every row to every matrix, for the ops without a routing: [op's number of matrices].
  std::map<uint32_t, ExpertGroups> whole_groups;

  std::unique_ptr<TaskQueue[]> queues;  ///< [phase]
  size_t n_outputs = 0;                 ///< rows of the head's values

  size_t RowCount(Rows rows_kind) const { return rows_kind == Rows::kTokens ? rows.size() : n_outputs; }
};

/// A compiled plan's memory and constants, as ops see them.
struct Machine {
  const Plan* plan = nullptr;
  const kernels::Kernels* kernels = nullptr;
  int threads = 1;
  std::vector<ScratchBuffer<float>> values;         ///< [value] → [rows, width]
  ScratchBuffer<uint8_t> activations[3];            ///< [ActivationFormat] → one quantised column per row
  ScratchBuffer<uint8_t> embeddings;                ///< [row] of kEmbed's weight, where a source brings them
  ScratchBuffer<float> partials;                    ///< attention of split rows, see attention.cc
  std::vector<ScratchBuffer<float>> thread_floats;  ///< [thread] scratch

  float* Row(ValueId value, size_t row) const {
    const size_t v = static_cast<size_t>(value);
    return values[v].data() + row * plan->values[v].width;
  }
};

}  // namespace zell::backend
