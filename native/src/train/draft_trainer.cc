#include "train/draft_trainer.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>

#include "backend/plan_rewrite.h"
#include "model/arch/arch.h"
#include "quant/blocks.h"
#include "train/adamw.h"
#include "train/network.h"
#include "train/split_kernels.h"

namespace zell::train {
namespace {

using backend::WeightId;
using base::Status;
using base::StatusCode;

constexpr double kClip = 1.0;

/// A weight that learns, under its name in the head's file.
struct Learned {
  WeightId weight = -1;
  std::string tensor;
  size_t first = 0;  ///< of its numbers in the flat lists
  size_t rows = 0, cols = 0;
  bool learns = true;  ///< false: a bias, which stays
};

Status Cancelled() { return {StatusCode::kCancelled, "training was stopped"}; }

/// Texts side by side, and what their losses refer to.
struct HeldRow {
  Row row;
  std::vector<float> states;
  std::vector<int32_t> ids;
  std::vector<float> logprobs;
};

}  // namespace

struct DraftTrainer::Impl {
  explicit Impl(DraftRecipe r) : recipe(std::move(r)), workers(recipe.threads) {}

  DraftRecipe recipe;
  std::shared_ptr<const gguf::File> file;
  backend::Plan plan;
  Tape tape;
  LowRankSet none;
  Workers workers;
  std::unique_ptr<Network> network;
  std::vector<uint8_t> output_rows;
  std::vector<Learned> weights;
  std::vector<int32_t> place;  ///< [token of the model] → the head's, or -1
  base::AlignedBuffer<float> values, gradients, first, second;
  uint64_t steps = 0;

  Status Cut(const backend::Plan& model);
  Status AddBlock(const backend::Plan& model, size_t block);
  Status AddWeight(const std::string& tensor, bool learns, WeightId& id);
  Status AddHead(const backend::Plan& model);
  Status Begin();
  /// `counted`: tokens that have a loss. A token that the model finds likely things outside the head's tokens after has
  /// none; with `all` every token has one.
  Status MakeRows(std::span<const DraftText* const> texts, bool all, std::vector<HeldRow>& rows, size_t& counted) const;
  void Append(const DraftText& text, bool all, HeldRow& held) const;
};

DraftTrainer::DraftTrainer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
DraftTrainer::~DraftTrainer() = default;
void DraftTrainer::Stop() { impl_->workers.Stop(); }
uint64_t DraftTrainer::parameters() const { return impl_->values.size(); }

base::Result<std::unique_ptr<DraftTrainer>> DraftTrainer::Open(std::shared_ptr<const gguf::File> file,
                                                               DraftRecipe recipe) {
  auto impl = std::make_unique<Impl>(std::move(recipe));
  Numerics& numerics = impl->recipe.numerics;
  if (numerics == Numerics::kFastest) numerics = HasFastSplit() ? Numerics::kBf16x3 : Numerics::kF32;
  impl->file = std::move(file);
  base::Result<backend::Plan> model = model::BuildPlan(*impl->file);
  if (!model.ok()) return model.status();
  backend::MergeMatmuls(model->body);
  ZELL_RETURN_IF_ERROR(model::CheckShape(impl->recipe.shape, *model));
  ZELL_RETURN_IF_ERROR(impl->Cut(*model));
  ZELL_RETURN_IF_ERROR(impl->Begin());
  return std::unique_ptr<DraftTrainer>(new DraftTrainer(std::move(impl)));
}

Status DraftTrainer::Impl::AddWeight(const std::string& tensor, bool learns, WeightId& id) {
  if (id < 0) return Status::Ok();
  const backend::Weight& like = plan.weights[static_cast<size_t>(id)];
  const gguf::TensorInfo* whole = file->FindTensor(like.name);
  if (tensor.empty() || whole == nullptr || whole->n_weights != like.rows * like.cols) {
    return {StatusCode::kUnsupported, "a draft head cannot have a block with a part of " + like.name};
  }
  size_t begin = 0;
  for (const Learned& w : weights) begin = std::max(begin, w.first + w.rows * w.cols);
  weights.push_back({static_cast<WeightId>(plan.weights.size()), tensor, begin, like.rows, like.cols, learns});
  plan.weights.push_back(like);
  id = weights.back().weight;
  return Status::Ok();
}

Status DraftTrainer::Impl::AddBlock(const backend::Plan& model, size_t block) {
  const uint32_t layer = recipe.shape.blocks[block];
  base::Result<std::vector<backend::Op>> ops = model::BlockOps(model, layer);
  if (!ops.ok()) return ops.status();
  const auto own = [&](WeightId& id, bool learns) {
    if (id < 0) return Status::Ok();
    const std::string& name = plan.weights[static_cast<size_t>(id)].name;
    return AddWeight(model::DraftTensor(name, layer, block), learns, id);
  };
  for (backend::Op& op : *ops) {
    op.layer = static_cast<int>(block);
    if (op.kv_group >= 0) op.kv_layer = static_cast<uint32_t>(block);
    ZELL_RETURN_IF_ERROR(own(op.weight, true));
    for (backend::MatmulPart& part : op.parts) {
      ZELL_RETURN_IF_ERROR(own(part.weight, true));
      ZELL_RETURN_IF_ERROR(own(part.bias, false));
    }
    plan.body.push_back(std::move(op));
  }
  return Status::Ok();
}

Status DraftTrainer::Impl::AddHead(const backend::Plan& model) {
  const backend::Op* logits = model::LogitsOp(model);
  if (logits == nullptr || logits->parts[0].bias >= 0) {
    return {StatusCode::kUnsupported, "a draft head needs a model whose output is a plain product"};
  }
  backend::Weight output = model.weights[static_cast<size_t>(logits->parts[0].weight)];
  output_rows = model::OutputRows(output, recipe.shape.tokens);
  output.rows = recipe.shape.tokens.size();
  output.data = output_rows.data();
  const auto rows = static_cast<WeightId>(plan.weights.size());
  plan.weights.push_back(output);
  bool normed = false;
  for (backend::Op op : model.head) {
    if (op.out == model.normed) {
      ZELL_RETURN_IF_ERROR(AddWeight(model::kDraftNorm, true, op.weight));
      normed = true;
    }
    if (!op.parts.empty() && op.parts[0].out == model.logits) op.parts[0].weight = rows;
    plan.head.push_back(std::move(op));
  }
  if (!normed) return {StatusCode::kUnsupported, "a draft head needs a model whose output is normed"};
  return Status::Ok();
}

Status DraftTrainer::Impl::Cut(const backend::Plan& model) {
  plan = model;
  plan.body.clear();
  plan.head.clear();
  for (const backend::Op& op : model.body) {
    if (op.kind == backend::OpKind::kEmbed) plan.body.push_back(op);
  }
  for (size_t block = 0; block < recipe.shape.blocks.size(); ++block) ZELL_RETURN_IF_ERROR(AddBlock(model, block));
  ZELL_RETURN_IF_ERROR(AddHead(model));
  plan.layers = static_cast<uint32_t>(recipe.shape.blocks.size());
  place.assign(model.vocabulary_size, -1);
  for (size_t i = 0; i < recipe.shape.tokens.size(); ++i) {
    place[static_cast<size_t>(recipe.shape.tokens[i])] = static_cast<int32_t>(i);
  }
  plan.vocabulary_size = static_cast<uint32_t>(recipe.shape.tokens.size());
  plan.values[static_cast<size_t>(plan.logits)].width = plan.vocabulary_size;
  const std::vector<uint32_t> ranks(plan.weights.size(), 0);
  base::Result<Tape> recorded = RecordTape(plan, ranks, true);
  if (!recorded.ok()) return recorded.status();
  tape = std::move(*recorded);
  return Status::Ok();
}

Status DraftTrainer::Impl::Begin() {
  size_t size = 0;
  for (const Learned& w : weights) size = std::max(size, w.first + w.rows * w.cols);
  for (base::AlignedBuffer<float>* buffer : {&values, &gradients, &first, &second}) {
    *buffer = base::AlignedBuffer<float>(size);
    if (!buffer->ok()) return {StatusCode::kOutOfMemory, "no memory for the draft head in training"};
  }
  std::vector<float*> whole(plan.weights.size(), nullptr);
  for (const Learned& learned : weights) {
    backend::Weight& w = plan.weights[static_cast<size_t>(learned.weight)];
    float* to = values.data() + learned.first;
    for (size_t row = 0; row < learned.rows; ++row) {
      quant::Dequantize(w.type, w.data + row * w.row_bytes, to + row * learned.cols, learned.cols);
    }
    w.type = quant::TensorType::kF32;
    w.data = reinterpret_cast<const uint8_t*>(to);
    w.row_bytes = learned.cols * sizeof(float);
    if (learned.learns) whole[static_cast<size_t>(learned.weight)] = gradients.data() + learned.first;
  }
  base::Result<std::unique_ptr<Network>> made =
      Network::Make(plan, tape, none, workers, recipe.row_tokens, plan.layers, recipe.numerics);
  if (!made.ok()) return made.status();
  network = std::move(*made);
  network->LearnWhole(std::move(whole));
  return Status::Ok();
}

void DraftTrainer::Impl::Append(const DraftText& text, bool all, HeldRow& held) const {
  const size_t n = text.tokens(), begin = held.row.tokens.size(), width = plan.embedding_length;
  held.row.segments.push_back({begin, n});
  held.row.tokens.resize(begin + n, 0);
  held.states.resize((begin + n) * width);
  quant::Dequantize(quant::TensorType::kF16, text.states.data(), held.states.data() + begin * width, n * width);
  for (size_t t = text.first; t < n; ++t) {
    const size_t kept = held.ids.size();
    for (size_t i = t * text.top; i < (t + 1) * text.top; ++i) {
      const int32_t id = place[static_cast<size_t>(text.ids[i])];
      if (id < 0) continue;
      held.ids.push_back(id);
      held.logprobs.push_back(text.logprobs[i]);
    }
    const size_t known = held.ids.size() - kept;
    if (known == 0 && !all) continue;
    LossToken token{.from = begin + t};
    token.ids = {held.ids.data() + kept, known};
    token.logprobs = {held.logprobs.data() + kept, known};
    held.row.losses.push_back(token);
  }
}

Status DraftTrainer::Impl::MakeRows(std::span<const DraftText* const> texts, bool all, std::vector<HeldRow>& rows,
                                    size_t& counted) const {
  rows.reserve(texts.size());
  for (const DraftText* text : texts) {
    const size_t n = text->tokens();
    const auto outside = [&](int32_t id) { return id < 0 || static_cast<size_t>(id) >= place.size(); };
    if (n == 0 || n > recipe.row_tokens || text->states.size() != n * plan.embedding_length ||
        text->logprobs.size() != text->ids.size() || text->top > 256 ||
        std::any_of(text->ids.begin(), text->ids.end(), outside)) {
      return {StatusCode::kInvalidRequest, "a text does not fit the draft head in training"};
    }
    if (rows.empty() || rows.back().row.tokens.size() + n > recipe.row_tokens) {
      rows.emplace_back();
      // Losses point into these.
      rows.back().ids.reserve(size_t{recipe.row_tokens} * text->top);
      rows.back().logprobs.reserve(size_t{recipe.row_tokens} * text->top);
    }
    if (rows.back().ids.capacity() < rows.back().ids.size() + text->ids.size()) {
      return {StatusCode::kInvalidRequest, "texts of one step have distributions of different sizes"};
    }
    Append(*text, all, rows.back());
  }
  counted = 0;
  for (HeldRow& held : rows) {
    held.row.states = held.states.data();
    counted += held.row.losses.size();
  }
  return Status::Ok();
}

base::Result<double> DraftTrainer::Step(std::span<const DraftText* const> texts, double rate) {
  Impl& t = *impl_;
  std::vector<HeldRow> rows;
  size_t counted = 0;
  ZELL_RETURN_IF_ERROR(t.MakeRows(texts, false, rows, counted));
  if (counted == 0) return Status{StatusCode::kInvalidRequest, "no token of a step counts"};
  std::memset(t.gradients.data(), 0, t.gradients.size() * sizeof(float));
  RowLoss loss;
  for (HeldRow& held : rows) {
    for (LossToken& token : held.row.losses) token.weight = 1.0f / static_cast<float>(counted);
    ZELL_RETURN_IF_ERROR(t.network->Learn(held.row, loss));
  }
  if (!t.workers.Hold()) return Cancelled();
  const AdamW adam{rate, 0.0, kClip, ++t.steps};
  const double length =
      Update(t.workers, adam, t.values.data(), t.gradients.data(), t.first.data(), t.second.data(), t.values.size());
  t.workers.Release();
  if (!std::isfinite(length)) return Status{StatusCode::kInternal, "the gradient of the draft head is not finite"};
  return loss.items / static_cast<double>(counted);
}

base::Result<uint64_t> DraftTrainer::Agreements(std::span<const DraftText* const> texts) {
  Impl& t = *impl_;
  std::vector<HeldRow> rows;
  size_t counted = 0;
  ZELL_RETURN_IF_ERROR(t.MakeRows(texts, true, rows, counted));
  std::vector<int32_t> wanted, best;
  std::vector<float> logprobs;
  for (const DraftText* text : texts) {
    for (size_t i = size_t{text->first} * text->top; i < text->ids.size(); i += text->top) {
      wanted.push_back(t.place[static_cast<size_t>(text->ids[i])]);
    }
  }
  uint64_t agreed = 0;
  size_t at = 0;
  for (const HeldRow& held : rows) {
    ZELL_RETURN_IF_ERROR(t.network->BaseTop(held.row, 1, best, logprobs));
    for (const int32_t id : best) agreed += id == wanted[at++] ? 1 : 0;
  }
  if (t.workers.stopped()) return Cancelled();
  return agreed;
}

Status DraftTrainer::Save(const std::string& path,
                          const std::vector<std::pair<std::string, gguf::FileValue>>& metadata) {
  const Impl& t = *impl_;
  base::Result<std::string> hash = t.file->ModelHash();
  if (!hash.ok()) return hash.status();
  gguf::HeaderBuilder header;
  header.Set("general.type", std::string("draft-head"));
  header.Set("general.architecture", std::string(t.file->Str("general.architecture").value_or("")));
  header.Set("zell.draft.version", uint32_t{1});
  header.Set("zell.draft.model_hash", *hash);
  header.Set("zell.draft.exit_layer", t.recipe.shape.exit_layer);
  header.Set("zell.draft.blocks", t.recipe.shape.blocks);
  const std::vector<int32_t>& tokens = t.recipe.shape.tokens;
  header.Set("zell.draft.tokens", std::vector<uint32_t>(tokens.begin(), tokens.end()));
  for (const auto& [key, value] : metadata) header.Set(key, value);
  const auto type_of = [](const Learned& w) {
    if (w.rows == 1) return quant::TensorType::kF32;
    const bool whole = w.cols % quant::InfoOf(quant::TensorType::kQ8_0).block_weights == 0;
    return whole ? quant::TensorType::kQ8_0 : quant::TensorType::kF16;
  };
  for (const Learned& w : t.weights) {
    const uint64_t dims[] = {w.cols, w.rows};
    ZELL_RETURN_IF_ERROR(header.AddTensor(w.tensor, type_of(w), std::span(dims, w.rows > 1 ? 2u : 1u)));
  }
  base::Result<gguf::FileWriter> writer = gguf::FileWriter::Create(path, header);
  if (!writer.ok()) return writer.status();
  for (const Learned& w : t.weights) {
    std::vector<uint8_t> row(quant::RowBytes(quant::InfoOf(type_of(w)), w.cols));
    for (size_t i = 0; i < w.rows; ++i) {
      quant::Quantize(type_of(w), t.values.data() + w.first + i * w.cols, row.data(), w.cols);
      ZELL_RETURN_IF_ERROR(writer->Append(row));
    }
  }
  return writer->Commit();
}

}  // namespace zell::train
