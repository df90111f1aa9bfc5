#include "backend/input_sums.h"

namespace zell::backend {

void InputSums::Prepare(const Plan& plan) {
  for (const Op& op : plan.body) {
    if (op.kind != OpKind::kMatmul && op.kind != OpKind::kExperts) continue;
    for (const MatmulPart& part : op.parts) {
      const Weight& weight = plan.weights[static_cast<size_t>(part.weight)];
      Entry& entry = entries[weight.name];
      if (entry.columns != 0) continue;
      const size_t matrices = op.kind == OpKind::kExperts ? weight.stack.size() : 1;
      entry.columns = static_cast<size_t>(weight.cols);
      entry.squares.assign(matrices * entry.columns, 0.0);
      entry.counts.assign(matrices, 0);
      entry.routed = op.kind == OpKind::kExperts && op.route >= 0;
    }
  }
}

}  // namespace zell::backend
