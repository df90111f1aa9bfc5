#include "model/draft_head.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <set>

namespace zell::model {

using backend::Op;
using backend::OpKind;
using backend::ValueId;
using backend::WeightId;

namespace {

constexpr uint64_t kVersion = 1;
constexpr size_t kMostBlocks = 8;

base::Status Bad(const std::string& what) { return {base::StatusCode::kBadModelFile, "the draft head " + what}; }
base::Status Unsupported(const std::string& what) { return {base::StatusCode::kUnsupported, what}; }

bool MayBeInBlock(OpKind kind) {
  switch (kind) {
    case OpKind::kRmsNorm:
    case OpKind::kLayerNorm:
    case OpKind::kMatmul:
    case OpKind::kAdd:
    case OpKind::kScale:
    case OpKind::kRope:
    case OpKind::kKvWrite:
    case OpKind::kAttention:
    case OpKind::kActivate:
    case OpKind::kGate:
      return true;
    default:
      return false;
  }
}

bool Updates(const Op& op) { return op.kind == OpKind::kAdd || op.kind == OpKind::kScale || op.kind == OpKind::kRope; }

/// Whether every value is the hidden state or was written before in the same layer.
bool StandsAlone(const std::vector<Op>& ops, ValueId state) {
  std::set<ValueId> known{-1, state};
  for (const Op& op : ops) {
    if (!known.contains(op.in) || !known.contains(op.in2)) return false;
    if (Updates(op) && !known.contains(op.out)) return false;
    known.insert(op.out);
    for (const backend::MatmulPart& part : op.parts) {
      if (op.epilogue == backend::Epilogue::kAddTo && !known.contains(part.out)) return false;
      known.insert(part.out);
    }
  }
  return true;
}

/// Applies `change` to every id of a value in the operation.
template <typename F>
void ForValues(Op& op, F change) {
  change(op.in), change(op.in2), change(op.out);
  for (backend::MatmulPart& part : op.parts) change(part.out);
}
template <typename F>
void ForWeights(Op& op, F change) {
  change(op.weight), change(op.bias), change(op.sinks);
  for (backend::MatmulPart& part : op.parts) change(part.weight), change(part.bias);
}

std::vector<uint64_t> Numbers(const gguf::File& file, const char* key) {
  const gguf::Value* value = file.Find(key);
  if (value == nullptr) return {};
  if (const auto* list = std::get_if<std::vector<uint64_t>>(value)) return *list;
  return {};
}

}  // namespace

base::Result<std::vector<Op>> BlockOps(const backend::Plan& plan, uint32_t layer) {
  std::vector<Op> ops;
  size_t attentions = 0, writes = 0;
  const std::string name = "a draft head cannot have a block like layer " + std::to_string(layer);
  for (const Op& op : plan.body) {
    if (op.layer != static_cast<int>(layer) || op.kind == OpKind::kTap) continue;
    if (!MayBeInBlock(op.kind)) return Unsupported(name + ", which is no plain decoder layer");
    attentions += op.kind == OpKind::kAttention ? 1 : 0;
    writes += op.kind == OpKind::kKvWrite ? 1 : 0;
    ops.push_back(op);
  }
  if (attentions != 1 || writes != 1 || !StandsAlone(ops, plan.body_out)) {
    return Unsupported(name + ", which needs more than the hidden state");
  }
  return ops;
}

std::string DraftTensor(const std::string& tensor, uint32_t layer, size_t block) {
  const std::string prefix = "blk." + std::to_string(layer) + ".";
  return tensor.starts_with(prefix) ? "draft." + std::to_string(block) + "." + tensor.substr(prefix.size()) : "";
}

const Op* LogitsOp(const backend::Plan& plan) {
  const Op* found = nullptr;
  for (const Op& op : plan.head) {
    if (op.kind != OpKind::kMatmul || op.parts.size() != 1 || op.parts[0].out != plan.logits) continue;
    if (found != nullptr) return nullptr;
    found = &op;
  }
  return found;
}

std::vector<uint8_t> OutputRows(const backend::Weight& output, const std::vector<int32_t>& tokens) {
  std::vector<uint8_t> rows(tokens.size() * output.row_bytes);
  for (size_t i = 0; i < tokens.size(); ++i) {
    std::memcpy(rows.data() + i * output.row_bytes, output.data + static_cast<size_t>(tokens[i]) * output.row_bytes,
                output.row_bytes);
  }
  return rows;
}

base::Status CheckShape(const DraftShape& shape, const backend::Plan& plan) {
  if (shape.exit_layer == 0 || shape.exit_layer >= plan.layers) return Bad("leaves the model after no layer of it");
  if (shape.blocks.empty() || shape.blocks.size() > kMostBlocks) return Bad("has no blocks, or too many");
  for (const uint32_t layer : shape.blocks) {
    if (layer >= plan.layers) return Bad("has a block like a layer that the model lacks");
  }
  if (shape.tokens.empty()) return Bad("knows no tokens");
  int32_t last = -1;
  for (const int32_t token : shape.tokens) {
    if (token <= last || static_cast<uint32_t>(token) >= plan.vocabulary_size) return Bad("has an unsound vocabulary");
    last = token;
  }
  return base::Status::Ok();
}

base::Result<std::unique_ptr<DraftHead>> DraftHead::Open(const std::string& path, const gguf::File& model) {
  base::Result<std::shared_ptr<const gguf::File>> file = gguf::File::Open(path);
  if (!file.ok()) return file.status();
  const gguf::File& f = **file;
  if (f.Str("general.type").value_or("") != "draft-head") return Bad("file is no draft head");
  if (f.U64("zell.draft.version").value_or(0) != kVersion) return Unsupported("the draft head has another version");
  base::Result<std::string> hash = model.ModelHash();
  if (!hash.ok()) return hash.status();
  if (f.Str("zell.draft.model_hash").value_or("") != *hash) {
    return Unsupported("the draft head was trained for another model");
  }
  std::unique_ptr<DraftHead> head(new DraftHead());
  head->shape_.exit_layer =
      static_cast<uint32_t>(std::min<uint64_t>(f.U64("zell.draft.exit_layer").value_or(0), 1u << 20));
  for (const uint64_t layer : Numbers(f, "zell.draft.blocks")) {
    head->shape_.blocks.push_back(static_cast<uint32_t>(std::min<uint64_t>(layer, 1u << 20)));
  }
  for (const uint64_t token : Numbers(f, "zell.draft.tokens")) {
    head->shape_.tokens.push_back(static_cast<int32_t>(std::min<uint64_t>(token, 1u << 30)));
  }
  head->file_ = std::move(*file);
  return head;
}

uint64_t DraftHead::bytes() const { return file_->total_bytes() + output_rows_.size(); }

base::Result<WeightId> DraftHead::AddWeight(backend::Plan& plan, const std::string& name, const backend::Weight& like) {
  const gguf::TensorInfo* tensor = name.empty() ? nullptr : file_->FindTensor(name);
  if (tensor == nullptr) return Bad("lacks the tensor for " + like.name);
  const bool vector = like.rows == 1;
  if (tensor->dims[0] != like.cols || tensor->dims[1] != like.rows || tensor->n_weights != like.cols * like.rows) {
    return Bad("has a tensor " + name + " of another shape than the model's");
  }
  if (vector ? tensor->type != quant::TensorType::kF32 : !quant::IsMatrixType(tensor->type)) {
    return Bad("has a tensor " + name + " of an unusable type");
  }
  if (like.cols % quant::InfoOf(tensor->type).block_weights != 0) return Bad("has a tensor " + name + " of odd rows");
  backend::Weight weight;
  weight.name = name;
  weight.type = tensor->type;
  weight.rows = like.rows;
  weight.cols = like.cols;
  weight.row_bytes = quant::RowBytes(quant::InfoOf(tensor->type), weight.cols);
  weight.data = file_->data(*tensor).data();
  plan.weights.push_back(std::move(weight));
  return static_cast<WeightId>(plan.weights.size() - 1);
}

base::Status DraftHead::AddBlock(backend::Plan& plan, size_t block) {
  const uint32_t layer = shape_.blocks[block];
  base::Result<std::vector<Op>> ops = BlockOps(plan, layer);
  if (!ops.ok()) return ops.status();
  std::map<WeightId, WeightId> own{{-1, -1}};
  base::Status status;
  int group = -1;
  uint32_t kv_layer = 0;
  for (Op& op : *ops) {
    op.layer = -1;
    ForValues(op, [&](ValueId& id) { id = id == plan.body_out ? state_ : id; });
    ForWeights(op, [&](WeightId& id) {
      if (const auto known = own.find(id); known != own.end()) {
        id = known->second;
        return;
      }
      const backend::Weight like = plan.weights[static_cast<size_t>(id)];
      base::Result<WeightId> added = AddWeight(plan, DraftTensor(like.name, layer, block), like);
      if (status.ok() && !added.ok()) status = added.status();
      own[id] = added.ok() ? *added : -1;
      id = own[id];
    });
    ZELL_RETURN_IF_ERROR(status);
    if (op.kv_group < 0) continue;
    if (group < 0) {
      group = op.kv_group;
      kv_layer = plan.kv_groups[static_cast<size_t>(group)].layers++;
    }
    if (op.kv_group != group) return Unsupported("a draft head cannot have a block with keys in two places");
    op.kv_layer = kv_layer;
  }
  blocks_.insert(blocks_.end(), ops->begin(), ops->end());
  return base::Status::Ok();
}

base::Status DraftHead::AddNorm(backend::Plan& plan) {
  const auto is_norm = [&](const Op& op) { return op.out == plan.normed && op.in == plan.head_in && op.weight >= 0; };
  const auto norm = std::find_if(plan.head.begin(), plan.head.end(), is_norm);
  if (norm == plan.head.end() || norm->bias >= 0) return Unsupported("this model's output has no plain norm");
  base::Result<WeightId> added = AddWeight(plan, kDraftNorm, plan.weights[static_cast<size_t>(norm->weight)]);
  if (!added.ok()) return added.status();
  norm_ = *added;
  return base::Status::Ok();
}

base::Status DraftHead::AddTo(backend::Plan& plan) {
  ZELL_RETURN_IF_ERROR(CheckShape(shape_, plan));
  const Op* logits = LogitsOp(plan);
  if (logits == nullptr || logits->parts[0].bias >= 0) return Unsupported("this model's output is no plain product");
  backend::Weight output = plan.weights[static_cast<size_t>(logits->parts[0].weight)];
  output_rows_ = OutputRows(output, shape_.tokens);
  output.name = "draft.output";
  output.rows = shape_.tokens.size();
  output.data = output_rows_.data();
  // Here already, so that ids of weights, by which adapters go, are the same in both plans.
  output_ = static_cast<WeightId>(plan.weights.size());
  plan.weights.push_back(std::move(output));
  const auto exits = [&](const Op& op) {
    return op.kind == OpKind::kTap && op.layer == static_cast<int>(shape_.exit_layer);
  };
  if (std::find_if(plan.body.begin(), plan.body.end(), exits) == plan.body.end()) {
    return Unsupported("this model's layers have no border where a draft head could begin");
  }
  state_ = static_cast<ValueId>(plan.values.size());
  plan.values.push_back({"draft", plan.embedding_length, backend::Rows::kTokens});
  for (size_t block = 0; block < shape_.blocks.size(); ++block) ZELL_RETURN_IF_ERROR(AddBlock(plan, block));
  ZELL_RETURN_IF_ERROR(AddNorm(plan));
  const Op copy{
      .kind = OpKind::kCopyHeads, .in = plan.body_out, .out = state_, .heads = 1, .head_dim = plan.embedding_length};
  blocks_.insert(blocks_.begin(), copy);
  // What comes after the last keys and values would be of no use there.
  const auto writes = [](const Op& op) { return op.kind == OpKind::kKvWrite; };
  const auto last = std::find_if(blocks_.rbegin(), blocks_.rend(), writes).base();
  plan.body.insert(std::find_if(plan.body.begin(), plan.body.end(), exits) + 1, blocks_.begin(), last);
  return base::Status::Ok();
}

backend::Plan DraftHead::GuessPlan(const backend::Plan& plan) const {
  backend::Plan guess = plan;
  guess.body.clear();
  guess.head.clear();
  for (const Op& op : plan.body) {
    if (op.out == state_) break;
    if (op.kind == OpKind::kTap) continue;
    guess.body.push_back(op);
  }
  guess.body.insert(guess.body.end(), blocks_.begin(), blocks_.end());
  guess.body_out = state_;
  guess.logits = static_cast<ValueId>(guess.values.size());
  guess.values.push_back({"draft logits", static_cast<uint32_t>(shape_.tokens.size()), backend::Rows::kOutputs});
  bool product = false;
  for (Op op : plan.head) {
    const bool makes = op.kind == OpKind::kMatmul && op.parts.size() == 1 && op.parts[0].out == plan.logits;
    if (makes && product) continue;  // a piece of the product
    if (makes) {
      op = {.kind = OpKind::kMatmul, .in = op.in, .parts = {{output_, -1, guess.logits}}};
      product = true;
    }
    if (op.out == plan.logits) op.out = guess.logits;
    if (op.out == plan.normed) op.weight = norm_;
    guess.head.push_back(std::move(op));
  }
  return guess;
}

}  // namespace zell::model
