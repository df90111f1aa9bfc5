#include "stream/turns.h"

#include <algorithm>
#include <map>
#include <set>

namespace zell::stream {
namespace {

using backend::Op;
using backend::OpKind;
using backend::WeightId;

// Which ops use which tensor of the file.
class Users {
 public:
  Users(const backend::Plan& plan, const gguf::File& file) : plan_(plan), file_(file) {
    for (const gguf::TensorInfo& tensor : file.tensors()) begins_[file.data(tensor).data()] = &tensor;
    for (const auto* ops : {&plan.body, &plan.head}) {
      for (const Op& op : *ops) AddOp(op);
    }
  }

  /// nullptr: the weight does not lie in the file.
  const gguf::TensorInfo* TensorOf(WeightId id) const {
    const uint8_t* data = plan_.weights[static_cast<size_t>(id)].data;
    auto next = begins_.upper_bound(data);
    if (next == begins_.begin()) return nullptr;
    const gguf::TensorInfo* tensor = (--next)->second;
    return data < next->first + tensor->bytes ? tensor : nullptr;
  }
  const std::set<const Op*>& Of(const gguf::TensorInfo* tensor) const { return ops_.at(tensor); }

 private:
  void AddOp(const Op& op) {
    std::vector<WeightId> used{op.weight, op.bias, op.sinks};
    for (const backend::MatmulPart& part : op.parts) used.insert(used.end(), {part.weight, part.bias});
    for (const WeightId id : used) {
      const gguf::TensorInfo* tensor = id >= 0 ? TensorOf(id) : nullptr;
      if (tensor != nullptr) ops_[tensor].insert(&op);
    }
  }

  const backend::Plan& plan_;
  const gguf::File& file_;
  std::map<const uint8_t*, const gguf::TensorInfo*> begins_;
  std::map<const gguf::TensorInfo*, std::set<const Op*>> ops_;
};

bool MakesLogits(const backend::Plan& plan, const Op& op) {
  return op.kind == OpKind::kMatmul && op.parts.size() == 1 && op.parts[0].out == plan.logits;
}

// Whether `op` may have a turn: all its tensors are its own, or in the head they are the logits' and the embedding's.
bool MayWait(const backend::Plan& plan, const Users& users, const Op& op, bool head) {
  if (op.kind != OpKind::kMatmul) return false;
  for (const backend::MatmulPart& part : op.parts) {
    const gguf::TensorInfo* tensor = users.TensorOf(part.weight);
    if (tensor == nullptr) return false;
    for (const Op* user : users.Of(tensor)) {
      const bool shares = head && (MakesLogits(plan, *user) || user->kind == OpKind::kEmbed);
      if (user != &op && !shares) return false;
    }
  }
  return true;
}

Turn MakeTurn(const backend::Plan& plan, const gguf::File& file, const Op& op, size_t index, bool head) {
  Turn turn{head, index, {}, {}, 0};
  std::vector<Extent> extents;
  for (const backend::MatmulPart& part : op.parts) {
    const backend::Weight& w = plan.weights[static_cast<size_t>(part.weight)];
    extents.push_back({*file.Locate(w.data), w.rows * w.row_bytes});
  }
  turn.matrices = LayOut(extents, turn.ranges, &turn.bytes);
  return turn;
}

std::optional<RowTable> FindEmbedding(const backend::Plan& plan, const gguf::File& file, const Users& users) {
  const auto embeds = [](const Op& op) { return op.kind == OpKind::kEmbed; };
  const auto op = std::find_if(plan.body.begin(), plan.body.end(), embeds);
  if (op == plan.body.end() || std::count_if(plan.body.begin(), plan.body.end(), embeds) > 1) return std::nullopt;
  const gguf::TensorInfo* tensor = users.TensorOf(op->weight);
  if (tensor == nullptr) return std::nullopt;
  const backend::Weight& w = plan.weights[static_cast<size_t>(op->weight)];
  RowTable table{*file.Locate(w.data), w.row_bytes, w.rows, op->weight, false};
  for (const Op* user : users.Of(tensor)) {
    if (user == &*op) continue;
    if (!MakesLogits(plan, *user)) return std::nullopt;
    table.in_head = true;
  }
  return table;
}

}  // namespace

Turns FindTurns(const backend::Plan& plan, const gguf::File& file) {
  const Users users(plan, file);
  Turns turns;
  for (size_t i = 0; i < plan.body.size(); ++i) {
    if (MayWait(plan, users, plan.body[i], false)) turns.body.push_back(MakeTurn(plan, file, plan.body[i], i, false));
  }
  for (size_t i = 0; i < plan.head.size(); ++i) {
    const bool may = MakesLogits(plan, plan.head[i]) && MayWait(plan, users, plan.head[i], true);
    if (may) turns.head.push_back(MakeTurn(plan, file, plan.head[i], i, true));
  }
  turns.embedding = FindEmbedding(plan, file, users);
  // A table that the head multiplies with in a way that cannot wait stays in memory with it.
  if (turns.embedding && turns.embedding->in_head && turns.head.empty()) turns.embedding.reset();
  return turns;
}

uint64_t BytesOf(const std::vector<Turn>& turns) {
  uint64_t bytes = 0;
  for (const Turn& turn : turns) bytes += turn.bytes;
  return bytes;
}

}  // namespace zell::stream
