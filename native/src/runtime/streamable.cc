#include "runtime/streamable.h"

#include <algorithm>

#include "backend/plan_rewrite.h"

namespace zell::runtime {
namespace {

// Of the output layer: large enough for full speed of the disk, small beside a layer of a model that needs streaming.
constexpr uint64_t kLogitsPiece = 8 * 1024 * 1024;

}  // namespace

Streamable FindStreamable(const backend::Plan& plan, const gguf::File& file) {
  Streamable found;
  if (auto banks = stream::FindBanks(plan, file); banks.ok()) found.banks = std::move(*banks);
  const auto routes = [](const backend::Op& op) { return op.kind == backend::OpKind::kRoute; };
  if (std::any_of(plan.body.begin(), plan.body.end(), routes)) return found;
  found.plan = plan;
  backend::SplitLogits(found.plan, kLogitsPiece);
  found.turns = stream::FindTurns(found.plan, file);
  return found;
}

}  // namespace zell::runtime
