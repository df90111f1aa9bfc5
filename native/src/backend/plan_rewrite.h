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

/// The head's product that makes the logits becomes several with at most `most_bytes` of weights each, one after the
/// other. Nothing happens to one with a bias.
void SplitLogits(Plan& plan, uint64_t most_bytes);

/// All of the fusions, in the order in which they enable each other.
void Fuse(Plan& plan);

}  // namespace zell::backend
