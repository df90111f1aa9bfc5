#include "backend/plan_rewrite.h"

#include <algorithm>

namespace zell::backend {
namespace {

bool Reads(const Op& op, ValueId value) {
  if (op.in == value || op.in2 == value) return true;
  const bool updates = op.kind == OpKind::kAdd || op.kind == OpKind::kRope;
  if (updates && op.out == value) return true;
  if (op.epilogue != Epilogue::kAddTo) return false;
  return std::any_of(op.parts.begin(), op.parts.end(), [&](const MatmulPart& p) { return p.out == value; });
}

bool Writes(const Op& op, ValueId value) {
  if (op.out == value) return true;
  return std::any_of(op.parts.begin(), op.parts.end(), [&](const MatmulPart& p) { return p.out == value; });
}

// Whether nobody reads what `value` holds after op `index`: the next op that touches it overwrites it.
bool DeadAfter(const std::vector<Op>& ops, size_t index, ValueId value) {
  for (size_t i = index + 1; i < ops.size(); ++i) {
    if (Reads(ops[i], value)) return false;
    if (Writes(ops[i], value)) return true;
  }
  return true;
}

bool IsPlainMatmul(const Op& op) { return op.kind == OpKind::kMatmul && op.epilogue == Epilogue::kStore; }

}  // namespace

void MergeMatmuls(std::vector<Op>& ops) {
  std::vector<Op> merged;
  for (Op& op : ops) {
    if (!merged.empty() && IsPlainMatmul(op) && IsPlainMatmul(merged.back()) && merged.back().in == op.in &&
        !Writes(merged.back(), op.in)) {
      merged.back().parts.insert(merged.back().parts.end(), op.parts.begin(), op.parts.end());
    } else {
      merged.push_back(std::move(op));
    }
  }
  ops = std::move(merged);
}

void FuseSiluMul(std::vector<Op>& ops) {
  for (size_t i = 0; i + 1 < ops.size(); ++i) {
    Op& matmul = ops[i];
    const Op& silu = ops[i + 1];
    if (!IsPlainMatmul(matmul) || matmul.parts.size() != 2 || silu.kind != OpKind::kSiluMul) continue;
    const ValueId gate = matmul.parts[0].out, up = matmul.parts[1].out;
    if (silu.in != gate || silu.in2 != up || gate == up || silu.out == matmul.in) continue;
    if ((silu.out != gate && !DeadAfter(ops, i + 1, gate)) || (silu.out != up && !DeadAfter(ops, i + 1, up))) continue;
    matmul.epilogue = Epilogue::kSiluMul;
    matmul.out = silu.out;
    ops.erase(ops.begin() + static_cast<std::ptrdiff_t>(i) + 1);
  }
}

void FuseAdd(std::vector<Op>& ops) {
  for (size_t i = 0; i + 1 < ops.size(); ++i) {
    Op& matmul = ops[i];
    const Op& add = ops[i + 1];
    if (!IsPlainMatmul(matmul) || matmul.parts.size() != 1 || add.kind != OpKind::kAdd) continue;
    const ValueId product = matmul.parts[0].out;
    if (add.in != product || add.out == product || add.out == matmul.in || !DeadAfter(ops, i + 1, product)) continue;
    matmul.epilogue = Epilogue::kAddTo;
    matmul.parts[0].out = add.out;
    ops.erase(ops.begin() + static_cast<std::ptrdiff_t>(i) + 1);
  }
}

void Fuse(Plan& plan) {
  for (std::vector<Op>* ops : {&plan.body, &plan.head}) {
    MergeMatmuls(*ops);
    FuseSiluMul(*ops);
    FuseAdd(*ops);
  }
}

}  // namespace zell::backend
