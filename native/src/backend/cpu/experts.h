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
size_t ExpertScratchFloats(const Plan& plan, const Op& op);

/// One row of kExpertSum.
void SumExperts(const Machine& machine, const Op& op, size_t row);

}  // namespace zell::backend
