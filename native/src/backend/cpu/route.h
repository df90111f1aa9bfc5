// Chooses experts for a token from its router's logits, and sorts the tokens of a batch by expert.
#pragma once

#include "backend/cpu/run_state.h"

namespace zell::backend {

/// One row: the weights and numbers of the chosen experts, best first, to `chosen` [2 * used]. Depends on `logits`
/// [experts] alone. scratch: [RouteScratchFloats].
void RouteRow(const Machine& machine, const Op& op, const float* logits, float* chosen, float* scratch);
size_t RouteScratchFloats(const Plan& plan);

/// Fills `groups` from the rows of a routing's value.
void GroupByExpert(const Machine& machine, const Op& route, size_t rows, ExpertGroups& groups);

}  // namespace zell::backend
