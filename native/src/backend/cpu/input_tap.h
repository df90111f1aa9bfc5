// Adds the inputs of a matrix product to InputSums, in a phase of its own before it: a plan without sums has no such
// phase and pays nothing.
#pragma once

#include "backend/cpu/run_state.h"
#include "backend/input_sums.h"

namespace zell::backend {

/// Tasks are ranges of input channels, each summed over the rows in their order: threads change no bit.
uint32_t CountTapTasks(const Machine& machine, const Op& op);
/// This thread's share. `groups`: which rows meet which matrix, for kExperts; else null.
void RunTap(const Machine& machine, const RunState& state, const ExpertGroups* groups, const Op& op, InputSums& sums,
            TaskQueue& queue);

}  // namespace zell::backend
