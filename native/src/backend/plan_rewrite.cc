#include "backend/plan_rewrite.h"

#include <algorithm>

namespace zell::backend {
namespace {

bool Reads(const Op& op, ValueId value) {
  if (op.in == value || op.in2 == value) return true;
  const bool updates = op.kind == OpKind::kAdd || op.kind == OpKind::kRope || op.kind == OpKind::kScale ||
                       op.kind == OpKind::kSoftCap || op.kind == OpKind::kGateRow || op.kind == OpKind::kCopyHeads;
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
bool IsPlainExperts(const Op& op) { return op.kind == OpKind::kExperts && op.epilogue == Epilogue::kStore; }

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

void FuseActivations(std::vector<Op>& ops) {
  for (size_t i = 0; i + 1 < ops.size(); ++i) {
    Op& matmul = ops[i];
    const Op& next = ops[i + 1];
    const bool gates = next.kind == OpKind::kGate;
    if (!IsPlainMatmul(matmul) && !IsPlainExperts(matmul)) continue;
    if (!gates && next.kind != OpKind::kActivate) continue;
    if (next.gate_limit != 0 && !IsPlainExperts(matmul)) continue;
    if (matmul.parts.size() != (gates ? 2u : 1u) || next.out == matmul.in) continue;
    if (next.in != matmul.parts[0].out || (gates && next.in2 != matmul.parts[1].out)) continue;
    if (gates && (next.in == next.in2 || next.in2_first != 0)) continue;
    const bool dead = std::all_of(matmul.parts.begin(), matmul.parts.end(), [&](const MatmulPart& part) {
      return part.out == next.out || DeadAfter(ops, i + 1, part.out);
    });
    if (!dead) continue;
    matmul.epilogue = gates ? Epilogue::kGate : Epilogue::kActivate;
    matmul.activation = next.activation;
    matmul.gate_limit = next.gate_limit;
    matmul.out = next.out;
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
    matmul.scale = add.scale;
    matmul.parts[0].out = add.out;
    ops.erase(ops.begin() + static_cast<std::ptrdiff_t>(i) + 1);
  }
}

void SplitLogits(Plan& plan, uint64_t most_bytes) {
  // Tiles begin at multiples of 32 rows in whole products; so do they in pieces of this.
  constexpr uint64_t kRows = 256;
  std::vector<Op> split;
  for (const Op& op : plan.head) {
    const bool plain = op.kind == OpKind::kMatmul && op.epilogue == Epilogue::kStore && op.parts.size() == 1 &&
                       op.parts[0].out == plan.logits && op.parts[0].bias < 0;
    if (!plain) {
      split.push_back(op);
      continue;
    }
    const Weight whole = plan.weights[static_cast<size_t>(op.parts[0].weight)];
    const uint64_t rows = std::max<uint64_t>(kRows, most_bytes / whole.row_bytes / kRows * kRows);
    for (uint64_t first = 0; first < whole.rows; first += rows) {
      Op piece = op;
      Weight w = whole;
      w.first_row = whole.first_row + first;
      w.rows = std::min(rows, whole.rows - first);
      w.data = whole.data + first * whole.row_bytes;
      piece.parts[0].weight = static_cast<WeightId>(plan.weights.size());
      piece.parts[0].out_first = static_cast<uint32_t>(first);
      plan.weights.push_back(std::move(w));
      split.push_back(std::move(piece));
    }
  }
  plan.head = std::move(split);
}

void Fuse(Plan& plan) {
  for (std::vector<Op>* ops : {&plan.body, &plan.head}) {
    MergeMatmuls(*ops);
    FuseActivations(*ops);
    FuseAdd(*ops);
  }
}

}  // namespace zell::backend
