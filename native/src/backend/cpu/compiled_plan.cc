#include "backend/cpu/compiled_plan.h"

#include "backend/cpu/matmul.h"

namespace zell::backend {

std::vector<Phase> CutIntoPhases(const Plan& plan, const std::vector<Op>& ops, Rows rows) {
  std::vector<Phase> phases;
  const auto row_phase = [&]() -> Phase& {
    if (phases.empty() || phases.back().kind != Phase::Kind::kRows || !phases.back().quantize.empty()) {
      phases.push_back({Phase::Kind::kRows, rows, {}, {}});
    }
    return phases.back();
  };
  for (const Op& op : ops) {
    if (op.kind == OpKind::kMatmul) {
      Phase& before = row_phase();
      for (const kernels::ActivationFormat format : FormatsOf(plan, op)) before.quantize.push_back({format, op.in});
      phases.push_back({Phase::Kind::kMatmul, rows, {&op}, {}});
    } else if (op.kind == OpKind::kAttention) {
      phases.push_back({Phase::Kind::kAttention, rows, {&op}, {}});
      row_phase().ops.push_back(&op);
    } else {
      row_phase().ops.push_back(&op);
    }
  }
  return phases;
}

}  // namespace zell::backend
