// LoRA adapters in a matmul: the narrow product A x as tasks in front of its tiles, B (A x) while a tile is in cache.
#pragma once

#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "backend/adapter.h"
#include "backend/batch.h"
#include "backend/cpu/scratch_buffer.h"
#include "backend/cpu/task_queue.h"
#include "kernels/kernels.h"

namespace zell::backend {

struct Machine;
struct RunState;

/// The rows of a value that one adapter changes.
struct AdapterRows {
  const Adapter* adapter = nullptr;
  std::vector<std::pair<size_t, size_t>> runs;  ///< [first, end) of rows that use it, ascending
  std::vector<float> scales;                    ///< [rows]
};

/// A batch's adapters in order of their ids. All empty without any: nothing is computed then that would not be anyway.
struct LowRankState {
  std::vector<AdapterRows> tokens;   ///< for values with a row for each token
  std::vector<AdapterRows> outputs;  ///< for those with a row for each output that the head works on
  ScratchBuffer<float> narrow;       ///< A x of one op, see LowRankOp

  bool any() const { return !tokens.empty(); }
};

/// Fills `tokens`.
void FindAdapterRows(const Batch& batch, LowRankState& state);
/// Fills `outputs` for outputs [first, first + n).
void FindOutputAdapterRows(const Batch& batch, size_t first, size_t n, LowRankState& state);
/// Room for the widest op. False when there is no memory.
[[nodiscard]] bool ReserveLowRank(const Machine& machine, RunState& state);

/// One matmul op of a run. Its A x lies part by part, adapter by adapter as [row][rank, padded].
class LowRankOp {
 public:
  LowRankOp(const Machine& machine, const RunState& state, const Op& op);

  /// Tasks to be claimed before the op's tiles.
  uint32_t tasks() const { return tasks_; }
  /// With few columns it asks for the rows at `next` (or null) meanwhile, which the caller multiplies after it. Returns
  /// whether it did.
  bool RunTask(uint32_t task, const uint8_t* next) const;
  /// The matrix A that a task multiplies with; null: none.
  const uint8_t* MatrixOf(uint32_t task) const;
  /// What Add reads for rows [row, row + rows) of a part: the first adapter's B.
  std::span<const uint8_t> PanelsOf(const MatmulPart& part, size_t row, size_t rows) const;
  /// y [columns][y_stride] += B (A x) for rows [row, row + rows) of a part, row a multiple of kLowRankRows. Waits for
  /// the op's tasks, which other threads have claimed by then; gives up when the run stops.
  void Add(const TaskQueue& queue, const MatmulPart& part, size_t row, size_t rows, size_t column, size_t columns,
           float* y, size_t y_stride) const;

  /// Floats of A x that an op needs for n rows.
  static size_t NarrowFloats(const Op& op, const std::vector<AdapterRows>& adapters, size_t n);

 private:
  /// One task's part of A x: columns from `column` on.
  struct Narrow {
    size_t column;
    const LowRank* low;
    const AdapterRows* rows;
    float* out;  ///< of all columns
  };
  std::optional<Narrow> NarrowOf(uint32_t task) const;

  const Machine& m_;
  const RunState& state_;
  const Op& op_;
  const std::vector<AdapterRows>* adapters_;  ///< null: none
  size_t n_ = 0;
  size_t chunk_ = 0;   ///< columns of a task
  size_t chunks_ = 0;  ///< tasks of one part and adapter
  uint32_t tasks_ = 0;
};

/// Whether the batch's adapters multiply an op's input in this format.
bool LowRankNeeds(const RunState& state, const Plan& plan, const Op& op, kernels::ActivationFormat format);

/// What the batch's adapters add to the embedding of one row's token.
void AddToEmbedding(const Machine& machine, const RunState& state, const Op& op, size_t row);

}  // namespace zell::backend
