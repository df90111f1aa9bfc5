#include "backend/plan.h"

#include <algorithm>

namespace zell::backend {
namespace {

constexpr uint32_t kMostExperts = 1 << 16;

class Checker {
 public:
  explicit Checker(const Plan& plan) : plan_(plan) {}

  std::string Run() {
    for (const Weight& w : plan_.weights) {
      const quant::TypeInfo& info = quant::InfoOf(w.type);
      Require(w.data != nullptr && w.rows > 0 && w.cols > 0 && w.cols % info.block_weights == 0 &&
                  w.row_bytes == quant::RowBytes(info, w.cols) &&
                  std::find(w.stack.begin(), w.stack.end(), nullptr) == w.stack.end(),
              "weight " + w.name);
    }
    for (const Op& op : plan_.body) CheckOp(op, "body");
    for (const Op& op : plan_.head) CheckOp(op, "head");
    Require(Width(plan_.body_out) == plan_.embedding_length && Width(plan_.head_in) == plan_.embedding_length &&
                Width(plan_.normed) == plan_.embedding_length &&
                (plan_.encoder ? plan_.logits == -1
                               : Width(plan_.logits) > 0 && Width(plan_.logits) <= plan_.vocabulary_size),
            "outputs");
    return error_;
  }

 private:
  void Require(bool condition, const std::string& what) {
    if (!condition && error_.empty()) error_ = "plan: " + what + " does not fit";
  }
  uint32_t Width(ValueId id) const {
    return id >= 0 && static_cast<size_t>(id) < plan_.values.size() ? plan_.values[static_cast<size_t>(id)].width : 0;
  }
  const Weight* WeightAt(WeightId id) const {
    return id >= 0 && static_cast<size_t>(id) < plan_.weights.size() ? &plan_.weights[static_cast<size_t>(id)]
                                                                     : nullptr;
  }
  bool IsVector(WeightId id, uint64_t n) const {
    const Weight* w = WeightAt(id);
    return w != nullptr && w->type == quant::TensorType::kF32 && w->rows == 1 && w->cols == n;
  }
  const KvGroup* GroupOf(const Op& op) const {
    if (op.kv_group < 0 || static_cast<size_t>(op.kv_group) >= plan_.kv_groups.size()) return nullptr;
    const KvGroup* group = &plan_.kv_groups[static_cast<size_t>(op.kv_group)];
    return op.kv_layer < group->layers ? group : nullptr;
  }
  void CheckMatmul(const Op& op, const std::string& name) {
    Require(!op.parts.empty(), name);
    for (const MatmulPart& part : op.parts) {
      const Weight* w = WeightAt(part.weight);
      if (w == nullptr) return Require(false, name);
      const bool whole = part.out_first == 0 && w->rows == Width(part.out);
      const bool piece = op.epilogue == Epilogue::kStore && part.out_first + w->rows <= Width(part.out);
      Require(w->cols == Width(op.in) && (whole || piece), name + " with " + w->name);
      Require(op.turn < 0 || plan_.matrices != nullptr, name + " without a source");
      Require(part.bias == -1 || IsVector(part.bias, w->rows), "bias of " + w->name);
    }
    if (op.epilogue == Epilogue::kAddTo) Require(op.parts.size() == 1, name);
    CheckActivation(op, name);
  }
  const RouteSpec* RouteOf(const Op& op) const {
    return op.route >= 0 && static_cast<size_t>(op.route) < plan_.routes.size()
               ? &plan_.routes[static_cast<size_t>(op.route)]
               : nullptr;
  }
  void CheckRoute(const Op& op, const std::string& name) {
    const RouteSpec* route = RouteOf(op);
    if (route == nullptr) return Require(false, name);
    Require(route->used > 0 && route->used <= route->experts && route->experts <= kMostExperts, name);
    Require(Width(op.in) == route->experts && Width(op.out) == 2 * route->used, name);
    Require(route->groups > 0 && route->experts % route->groups == 0 && route->groups_used > 0 &&
                route->groups_used <= route->groups &&
                route->used <= route->experts / route->groups * route->groups_used,
            "expert groups of " + name);
    Require(op.weight == -1 || IsVector(op.weight, route->experts), "selection bias of " + name);
  }
  void CheckExperts(const Op& op, const std::string& name) {
    const Weight* first = op.parts.empty() ? nullptr : WeightAt(op.parts[0].weight);
    if (first == nullptr) return Require(false, name);
    const RouteSpec* route = RouteOf(op);
    const bool all = op.in2 == -1 && op.route == -1;
    if (!all && (route == nullptr || Width(op.in2) != 2 * route->used)) return Require(false, name);
    const uint64_t experts = all ? first->stack.size() : route->experts, used = all ? experts : route->used;
    for (const MatmulPart& part : op.parts) {
      const Weight* w = WeightAt(part.weight);
      if (w == nullptr) return Require(false, name);
      Require(!w->stack.empty() && w->stack.size() == experts && w->rows * used == Width(part.out) &&
                  ((!all && w->cols == Width(op.in)) || w->cols * used == Width(op.in)) && first->cols == w->cols,
              name + " with " + w->name);
      if (part.bias == -1) continue;
      const Weight* bias = WeightAt(part.bias);
      Require(
          bias != nullptr && bias->type == quant::TensorType::kF32 && bias->rows == experts && bias->cols == w->rows,
          "bias of " + w->name);
    }
    CheckActivation(op, name);
    Require(op.epilogue != Epilogue::kAddTo, name);
  }
  void CheckCopy(const Op& op, const std::string& name) {
    const uint64_t in = Width(op.in), out = Width(op.out), heads = op.heads;
    if (heads == 0 || op.head_dim == 0 || in == 0 || out == 0 || out % heads != 0) return Require(false, name);
    Require(op.in_offset + (heads - 1) * op.in_stride + op.head_dim <= in &&
                uint64_t{op.out_offset} + op.head_dim <= out / heads && op.in != op.out,
            name);
  }
  void CheckActivation(const Op& op, const std::string& name) {
    const size_t parts = op.epilogue == Epilogue::kActivate ? 1 : op.epilogue == Epilogue::kGate ? 2 : 0;
    if (parts == 0) return;
    Require(op.parts.size() == parts, name);
    for (const MatmulPart& part : op.parts) Require(Width(op.out) == Width(part.out), name);
  }
  // A norm's vectors serve each of its parts, or lie one after the other for all of them.
  void CheckNorm(const Op& op, const std::string& name) {
    const uint32_t in = Width(op.in), parts = op.heads > 0 ? op.heads : 1;
    Require(in > 0 && in == Width(op.out) && in % parts == 0, name);
    for (const WeightId id : {op.weight, op.bias}) {
      Require(id == -1 || IsVector(id, in) || IsVector(id, in / parts), name);
    }
  }
  void CheckOp(const Op& op, const char* where) {
    const std::string name = std::string(where) + " op of layer " + std::to_string(op.layer);
    const uint32_t in = Width(op.in), in2 = Width(op.in2), out = Width(op.out);
    const KvGroup* group = GroupOf(op);
    switch (op.kind) {
      case OpKind::kEmbed: {
        const Weight* w = WeightAt(op.weight);
        return Require(w != nullptr && out > 0 && w->cols == out && w->rows == plan_.vocabulary_size, name);
      }
      case OpKind::kAddRow: {
        const Weight* w = WeightAt(op.weight);
        return Require(w != nullptr && out > 0 && w->cols == out && (w->rows == 1 || w->rows >= plan_.context_length),
                       name);
      }
      case OpKind::kTap:
        return Require(in > 0 && op.layer >= 0, name);
      case OpKind::kRmsNorm:
        Require(op.weight >= 0 || op.bias < 0, name);
        return CheckNorm(op, name);
      case OpKind::kLayerNorm:
        return CheckNorm(op, name);
      case OpKind::kMatmul:
        return CheckMatmul(op, name);
      case OpKind::kAdd:
        return Require(in > 0 && in == out, name);
      case OpKind::kScale:
        return Require(out > 0, name);
      case OpKind::kSoftCap:
        return Require(out > 0 && op.scale > 0, name);
      case OpKind::kActivate:
        return Require(in > 0 && in == out, name);
      case OpKind::kGate:
        return Require(in > 0 && uint64_t{op.in2_first} + in <= in2 && in == out, name);
      case OpKind::kRope: {
        Require(op.rope >= 0 && static_cast<size_t>(op.rope) < plan_.ropes.size(), name);
        if (!error_.empty()) return;
        const RopeSpec& rope = plan_.ropes[static_cast<size_t>(op.rope)];
        return Require(
            rope.dims() > 0 && uint64_t{op.out_offset} + rope.dims() <= op.head_dim && out == op.heads * op.head_dim,
            name);
      }
      case OpKind::kRoute:
        return CheckRoute(op, name);
      case OpKind::kExperts:
        return CheckExperts(op, name);
      case OpKind::kExpertSum: {
        const RouteSpec* route = RouteOf(op);
        return Require(route != nullptr && out > 0 && in == out * route->used && in2 == 2 * route->used, name);
      }
      case OpKind::kCopyHeads:
        return CheckCopy(op, name);
      case OpKind::kGateRow:
        return Require(in == 1 && out > 0, name);
      case OpKind::kKvWrite:
        return Require(
            group != nullptr && in == group->kv_heads * group->key_dim && in2 == group->kv_heads * group->value_dim,
            name);
      case OpKind::kAttention:
        Require(op.sinks == -1 || IsVector(op.sinks, op.heads), "sinks of " + name);
        return Require(group != nullptr && group->kv_heads > 0 && op.heads > 0 && op.heads % group->kv_heads == 0 &&
                           op.head_dim == group->key_dim && in == op.heads * op.head_dim &&
                           out == op.heads * group->value_dim,
                       name);
    }
  }

  const Plan& plan_;
  std::string error_;
};

}  // namespace

std::string FindPlanError(const Plan& plan) { return Checker(plan).Run(); }

}  // namespace zell::backend
