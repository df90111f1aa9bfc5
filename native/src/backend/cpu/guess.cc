#include "backend/cpu/guess.h"

#include <algorithm>

#include "backend/cpu/route.h"
#include "backend/cpu/row_ops.h"

namespace zell::backend {
namespace {

// Rows of a batch that are asked at most.
constexpr size_t kMostRows = 8;
// Uses for each expert from which on all are expected: fewer than one in fifty is left out then.
constexpr size_t kUsesForAll = 4;

const Weight& WeightOf(const Plan& plan, WeightId id) { return plan.weights[static_cast<size_t>(id)]; }
uint64_t WidthOf(const Plan& plan, ValueId id) { return plan.values[static_cast<size_t>(id)].width; }

// The last op before `end` that leaves `value`, when it is of a kind that a router is made of.
const Op* FindMaker(const std::vector<Op>& ops, size_t end, ValueId value) {
  for (size_t i = end; i-- > 0;) {
    const Op& op = ops[i];
    if (op.kind == OpKind::kMatmul) {
      const bool makes =
          std::any_of(op.parts.begin(), op.parts.end(), [&](const MatmulPart& part) { return part.out == value; });
      if (makes) return op.parts.size() == 1 && op.epilogue == Epilogue::kStore ? &op : nullptr;
    }
    if (op.out != value) continue;
    return op.kind == OpKind::kRmsNorm || op.kind == OpKind::kLayerNorm ? &op : nullptr;
  }
  return nullptr;
}

}  // namespace

Guesser::Guesser(const Plan& plan) : plan_(plan) {
  size_t most_width = 0, most_experts = 0, most_used = 0, most_bytes = 0;
  for (size_t i = 0; i < plan.body.size(); ++i) {
    if (plan.body[i].kind != OpKind::kRoute) continue;
    Router router{nullptr, FindMaker(plan.body, i, plan.body[i].in), &plan.body[i]};
    if (router.product != nullptr && router.product->kind == OpKind::kMatmul) {
      router.norm = FindMaker(plan.body, static_cast<size_t>(router.product - plan.body.data()), router.product->in);
    }
    routers_.push_back(router);
    if (router.norm == nullptr || router.norm->kind == OpKind::kMatmul) {
      routers_.back().norm = nullptr;
      continue;
    }
    const Weight& weight = WeightOf(plan, router.product->parts[0].weight);
    const RouteSpec& spec = plan.routes[static_cast<size_t>(router.route->route)];
    most_width = std::max<size_t>(most_width, WidthOf(plan, router.norm->in));
    most_experts = std::max<size_t>(most_experts, spec.experts);
    most_used = std::max<size_t>(most_used, spec.used);
    most_bytes = std::max(most_bytes, kernels::ActivationBytes(kernels::FormatFor(weight.type), weight.cols));
  }
  if (most_experts == 0) return;
  normed_.resize(most_width);
  logits_.resize(most_experts);
  chosen_.resize(2 * most_used);
  scratch_.resize(RouteScratchFloats(plan));
  column_ = base::AlignedBuffer<uint8_t>(most_bytes);
}

bool Guesser::Can(uint32_t routing) const {
  if (routing == 0 || routing >= routers_.size() || !column_.ok()) return false;
  const Router &before = routers_[routing - size_t{1}], &next = routers_[routing];
  return before.norm != nullptr && next.norm != nullptr &&
         WidthOf(plan_, before.norm->in) == WidthOf(plan_, next.norm->in);
}

const std::vector<ExpertUse>& Guesser::Guess(const Machine& m, uint32_t routing, size_t rows) {
  const Router& router = routers_[routing];
  const RouteSpec& spec = plan_.routes[static_cast<size_t>(router.route->route)];
  tokens_.assign(spec.experts, 0);
  if (rows * spec.used >= size_t{kUsesForAll} * spec.experts) {
    std::fill(tokens_.begin(), tokens_.end(), 1);
  } else {
    const ValueId state = routers_[routing - size_t{1}].norm->in;
    const size_t asked = std::min(rows, kMostRows);
    for (size_t i = 0; i < asked; ++i) Ask(m, router, m.Row(state, i * rows / asked));
  }
  guess_.clear();
  for (uint32_t e = 0; e < spec.experts; ++e) {
    if (tokens_[e] > 0) guess_.push_back({e, tokens_[e]});
  }
  std::stable_sort(guess_.begin(), guess_.end(),
                   [](const ExpertUse& a, const ExpertUse& b) { return a.tokens > b.tokens; });
  return guess_;
}

void Guesser::Ask(const Machine& m, const Router& router, const float* state) {
  const MatmulPart& part = router.product->parts[0];
  const Weight& w = WeightOf(plan_, part.weight);
  NormRow(m, *router.norm, state, normed_.data());
  const kernels::ActivationFormat format = kernels::FormatFor(w.type);
  m.kernels->quantize(format, normed_.data(), column_.data(), w.cols);
  kernels::MatmulArgs args{};
  args.w = w.data;
  args.w_stride = w.row_bytes;
  args.rows = w.rows;
  args.x = column_.data();
  args.x_stride = kernels::ActivationBytes(format, w.cols);
  args.cols = 1;
  args.k = w.cols;
  args.y = logits_.data();
  args.y_stride = w.rows;
  m.kernels->matmul(w.type, args);
  if (part.bias >= 0) {
    m.kernels->add(logits_.data(), reinterpret_cast<const float*>(WeightOf(plan_, part.bias).data), w.rows);
  }
  RouteRow(m, *router.route, logits_.data(), chosen_.data(), scratch_.data());
  const RouteSpec& spec = plan_.routes[static_cast<size_t>(router.route->route)];
  for (uint32_t rank = 0; rank < spec.used; ++rank) ++tokens_[static_cast<size_t>(chosen_[spec.used + rank])];
}

}  // namespace zell::backend
