// A plan cut into phases: the tasks of one must be done before any of the next begins.
#pragma once

#include <vector>

#include "backend/plan.h"
#include "kernels/kernels.h"

namespace zell::backend {

/// A row to quantise once it is complete, for the matmul that follows: as one column, or as one for each expert.
struct QuantizeStep {
  kernels::ActivationFormat format;
  ValueId in;
  uint32_t columns = 1;
};

struct Phase {
  enum class Kind { kRows, kMatmul, kAttention, kGroup, kExperts, kTap };
  Kind kind = Kind::kRows;
  Rows rows = Rows::kTokens;
  /// kRows: row-wise ops in order (an attention op among them: join its chunks). Else one op.
  std::vector<const Op*> ops;
  std::vector<QuantizeStep> quantize;  ///< kRows, after the ops
  /// Which routing of the plan a kRows phase makes, a kGroup phase sorts, a kExperts or kTap phase works on; -1 none.
  int routing = -1;
  const Op* route = nullptr;  ///< its kRoute, for kRows and kGroup
  uint32_t stage = 0;         ///< of a kExperts phase: which of the routing's expert ops
  int turn = -1;              ///< of a kMatmul phase: its op's
  /// Of a kRows phase: the plain matmul that follows, whose input adapters multiply as well; null: none.
  const Op* product = nullptr;
};

/// Points into `ops`, which must stay. `tapped`: a kTap phase sees the inputs of each matrix product before it.
std::vector<Phase> CutIntoPhases(const Plan& plan, const std::vector<Op>& ops, Rows rows, bool tapped = false);

}  // namespace zell::backend
