// Causal attention over KV blocks, for chains and draft trees, in an order that depends on positions alone.
#pragma once

#include "backend/cpu/run_state.h"

namespace zell::backend {

/// Lists the tasks of a batch: state.tasks, paths, split rows. `rows` and `attention_rows` are filled before.
void PlanAttention(RunState& state);

/// Floats of machine.partials that the split rows of a batch need for this op.
size_t AttentionPartialFloats(const Plan& plan, const Op& op, const RunState& state);
/// Scratch of one thread, in floats.
size_t AttentionScratchFloats(const Plan& plan, const Op& op);

/// Queries of one item that a task takes at most, for this op.
size_t AttentionTileRows(const Plan& plan, const Op& op);

uint32_t CountAttentionTasks(const Machine& machine, const RunState& state, const Op& op);
/// This thread's share: claims tasks until none is left or the run stops.
void RunAttention(const Machine& machine, const RunState& state, const Op& op, TaskQueue& queue, float* scratch);
/// In the next phase, for one row: joins its chunks if they were split between tasks.
void CombineAttention(const Machine& machine, const RunState& state, const Op& op, size_t row);

}  // namespace zell::backend
