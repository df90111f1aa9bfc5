#include "backend/cpu/compiled_plan.h"

#include "backend/cpu/experts.h"
#include "backend/cpu/matmul.h"

namespace zell::backend {

std::vector<Phase> CutIntoPhases(const Plan& plan, const std::vector<Op>& ops, Rows rows, bool tapped) {
  std::vector<Phase> phases;
  int routing = -1, grouped = -1;
  uint32_t stage = 0;
  const Op* route = nullptr;
  const auto row_phase = [&]() -> Phase& {
    if (phases.empty() || phases.back().kind != Phase::Kind::kRows || !phases.back().quantize.empty()) {
      phases.push_back({Phase::Kind::kRows, rows, {}, {}});
    }
    return phases.back();
  };
  for (const Op& op : ops) {
    switch (op.kind) {
      case OpKind::kMatmul: {
        Phase& before = row_phase();
        for (const kernels::ActivationFormat format : FormatsOf(plan, op)) before.quantize.push_back({format, op.in});
        before.product = &op;
        if (tapped) phases.push_back({Phase::Kind::kTap, rows, {&op}, {}});
        phases.push_back({Phase::Kind::kMatmul, rows, {&op}, {}});
        phases.back().turn = op.turn;
        break;
      }
      case OpKind::kAttention:
        phases.push_back({Phase::Kind::kAttention, rows, {&op}, {}});
        row_phase().ops.push_back(&op);
        break;
      case OpKind::kExperts: {
        Phase& before = row_phase();
        const uint32_t columns = ColumnsPerRow(plan, op);
        for (const kernels::ActivationFormat format : FormatsOf(plan, op)) {
          before.quantize.push_back({format, op.in, columns});
        }
        if (op.route < 0) {
          if (tapped) phases.push_back({Phase::Kind::kTap, rows, {&op}, {}});
          phases.push_back({Phase::Kind::kExperts, rows, {&op}, {}});
          break;
        }
        if (grouped != routing) phases.push_back({Phase::Kind::kGroup, rows, {}, {}, routing, route});
        grouped = routing;
        if (tapped) phases.push_back({Phase::Kind::kTap, rows, {&op}, {}, routing});
        phases.push_back({Phase::Kind::kExperts, rows, {&op}, {}, routing, nullptr, stage++});
        break;
      }
      case OpKind::kRoute: {
        Phase& phase = row_phase();
        phase.ops.push_back(&op);
        phase.routing = ++routing;
        phase.route = route = &op;
        stage = 0;
        break;
      }
      default:
        row_phase().ops.push_back(&op);
        break;
    }
  }
  return phases;
}

}  // namespace zell::backend
