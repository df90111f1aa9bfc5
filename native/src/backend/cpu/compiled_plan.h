// A plan cut into phases: the tasks of one must be done before any of the next begins.
#pragma once

#include <vector>

#include "backend/plan.h"
#include "kernels/kernels.h"

namespace zell::backend {

/// A column to quantise once its row is complete, for the matmul that follows.
struct QuantizeStep {
  kernels::ActivationFormat format;
  ValueId in;
};

struct Phase {
  enum class Kind { kRows, kMatmul, kAttention };
  Kind kind = Kind::kRows;
  Rows rows = Rows::kTokens;
  /// kRows: row-wise ops in order (an attention op among them: join its chunks). Else one op.
  std::vector<const Op*> ops;
  std::vector<QuantizeStep> quantize;  ///< kRows, after the ops
};

/// Points into `ops`, which must stay.
std::vector<Phase> CutIntoPhases(const Plan& plan, const std::vector<Op>& ops, Rows rows);

}  // namespace zell::backend
