// The expert matmul on the CPU: tokens grouped by expert, so that each expert's rows are read once per batch.
#pragma once

#include "backend/cpu/run_state.h"

namespace zell::backend {

/// Columns that `in` of a kExperts op holds for each row: one for all chosen experts, or one for each.
uint32_t ColumnsPerRow(const Plan& plan, const Op& op);

/// (expert, tile of rows) pairs of an op in this run.
uint32_t CountExpertTasks(const Machine& machine, const ExpertGroups& groups, const Op& op);
/// This thread's share: claims tasks until none is left or the run stops. scratch: [ExpertScratchFloats].
void RunExperts(const Machine& machine, const RunState& state, const ExpertGroups& groups, const Op& op,
                TaskQueue& queue, float* scratch);
/// The same with matrices from Plan::experts, of a routing's stage: experts are taken in the order in which they are
/// ready.
void RunStreamedExperts(const Machine& machine, const RunState& state, const ExpertGroups& groups, const Op& op,
                        uint32_t routing, uint32_t stage, TaskQueue& queue, float* scratch);
size_t ExpertScratchFloats(const Plan& plan, const Op& op);

/// Columns that each row has in the outs: the experts used, or all heads.
uint32_t UsedOf(const Plan& plan, const Op& op);
/// Every row to every matrix, for ops without a routing.
void GroupAll(size_t rows, size_t matrices, ExpertGroups& groups);

/// y = the op's gate of n numbers, see Op::gate_limit.
void GateNumbers(const Machine& machine, const Op& op, const float* gate, const float* up, float* y, size_t n);

/// One row of kExpertSum.
void SumExperts(const Machine& machine, const Op& op, size_t row);

}  // namespace zell::backend
