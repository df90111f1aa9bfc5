// Fusions as rewrites of a plan. A rewritten plan computes the same bits with fewer passes over memory.
#pragma once

#include "backend/plan.h"

namespace zell::backend {

/// Neighbouring matmuls with one input become one op with several parts: Q, K, V; gate, up. The input is quantised
/// once.
void MergeMatmuls(std::vector<Op>& ops);
/// matmul(gate, up) then gate, or matmul then activate, becomes the matmul's epilogue.
void FuseActivations(std::vector<Op>& ops);
/// matmul to a temporary then add becomes a matmul that adds.
void FuseAdd(std::vector<Op>& ops);

/// All of them, in the order in which they enable each other.
void Fuse(Plan& plan);

}  // namespace zell::backend
