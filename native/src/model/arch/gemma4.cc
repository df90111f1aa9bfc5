// Gemma 4, dense: heads of two sizes (with and without a window), the last layers read the keys and values of earlier
// ones, and in the small models every layer mixes in an embedding of its own.
#include <cmath>

#include "model/arch/arch.h"

namespace zell::model {
namespace {

using backend::Activation;
using backend::Op;
using backend::OpKind;
using backend::ValueId;
using backend::WeightId;

/// What layers with a window, or without, have in common.
struct LayerKind {
  uint32_t kv_heads = 0;
  uint32_t head_dim = 0;
  uint32_t rope_dims = 0;
  double rope_base = 10000.0;
  backend::RopeSpec rope;
  // In the plan:
  int group = -1, rope_id = -1;
  uint32_t next_kv_layer = 0;
  ValueId q = -1, k = -1, v = -1, o = -1;
};

struct Shape {
  uint32_t layers = 0, width = 0, heads = 0, context = 0, window = 0;
  uint32_t own_layers = 0;  ///< those from here on read what the last of their kind before wrote
  uint32_t extra = 0;       ///< width of each layer's own embedding; 0: none
  float eps = 0, logit_soft_cap = 0;
  std::vector<uint32_t> feed_forward, kv_heads;
  std::vector<bool> windowed;
  LayerKind full, window_kind;
};

#define ZELL_READ(field, expr)                                     \
  do {                                                             \
    auto zell_value_ = (expr);                                     \
    if (!zell_value_.ok()) return zell_value_.status();            \
    field = static_cast<decltype(field)>(std::move(*zell_value_)); \
  } while (false)

base::Status Bad(const std::string& message) { return {base::StatusCode::kBadModelFile, message}; }

base::Result<Shape> ReadShape(const gguf::File& file, const Metadata& m, const BuildOptions& options) {
  Shape s;
  uint32_t experts = 0, shared = 0;
  ZELL_READ(experts, m.U32Or("expert_count", 0, 0, 1 << 16));
  if (experts > 0) {
    return base::Status{base::StatusCode::kUnsupportedModel,
                        "this gemma4 model is a mixture of experts (gemma4.expert_count), which is not supported yet"};
  }
  ZELL_READ(s.layers, m.U32("block_count", 1, 1024));
  ZELL_READ(s.width, m.U32("embedding_length", 1, 1 << 17));
  ZELL_READ(s.heads, m.U32("attention.head_count", 1, 1024));
  ZELL_READ(s.context, m.U32("context_length", 1, 1 << 26));
  ZELL_READ(s.window, m.U32("attention.sliding_window", 1, 1 << 26));
  ZELL_READ(s.extra, m.U32Or("embedding_length_per_layer_input", 0, 0, 1 << 14));
  ZELL_READ(shared, m.U32Or("attention.shared_kv_layers", 0, 0, s.layers - 1));
  ZELL_READ(s.eps, m.F64("attention.layer_norm_rms_epsilon", 1e-12, 1.0));
  ZELL_READ(s.logit_soft_cap, m.F64Or("final_logit_softcapping", 0, 0, 1e6));
  ZELL_READ(s.feed_forward, m.Numbers("feed_forward_length", s.layers, 1, 1 << 20));
  ZELL_READ(s.kv_heads, m.Numbers("attention.head_count_kv", s.layers, 1, s.heads));
  s.windowed = m.Flags("attention.sliding_window_pattern");
  if (s.windowed.size() < s.layers) return Bad("gemma4.attention.sliding_window_pattern is no list of all layers");
  ZELL_READ(s.full.head_dim, m.U32("attention.key_length", 2, 1024));
  ZELL_READ(s.window_kind.head_dim, m.U32("attention.key_length_swa", 2, 1024));
  ZELL_READ(s.full.rope_dims, m.U32Or("rope.dimension_count", s.full.head_dim, 2, s.full.head_dim));
  ZELL_READ(s.window_kind.rope_dims,
            m.U32Or("rope.dimension_count_swa", s.window_kind.head_dim, 2, s.window_kind.head_dim));
  ZELL_READ(s.full.rope_base, m.F64Or("rope.freq_base", 10000.0, 1.0, 1e12));
  ZELL_READ(s.window_kind.rope_base, m.F64Or("rope.freq_base_swa", 10000.0, 1.0, 1e12));
  for (uint32_t layer = 0; layer < s.layers; ++layer) {
    uint32_t& kv_heads = (s.windowed[layer] ? s.window_kind : s.full).kv_heads;
    if (kv_heads == 0) kv_heads = s.kv_heads[layer];
    if (kv_heads != s.kv_heads[layer] || s.heads % kv_heads != 0) {
      return Bad("gemma4.attention.head_count_kv differs between layers of a kind, or does not divide the heads");
    }
  }
  s.own_layers = s.layers - shared;
  if (shared > 0 && (s.own_layers < 2 || !s.windowed[s.own_layers - 2] || s.windowed[s.own_layers - 1])) {
    return Bad("gemma4.attention.shared_kv_layers: no layer of each kind is just before the shared ones");
  }
  const uint32_t context = options.context != 0 ? std::min(options.context, s.context) : s.context;
  for (LayerKind* kind : {&s.full, &s.window_kind}) {
    if (kind->rope_dims % 2 != 0) return Bad("gemma4.rope.dimension_count is odd");
    const bool full = kind == &s.full;
    ZELL_READ(kind->rope, ReadRope(file, m, {kind->rope_dims, kind->rope_base, true, full, full, context}));
  }
  return s;
}

#undef ZELL_READ

class Gemma4Builder {
 public:
  Gemma4Builder(const gguf::File& file, Shape shape, uint32_t vocabulary)
      : b_(file), s_(std::move(shape)), vocabulary_(vocabulary) {}

  base::Result<backend::Plan> Build() {
    DeclareValues();
    embedding_ = b_.Matrix("token_embd.weight", s_.width, vocabulary_);
    Emit({.kind = OpKind::kEmbed, .out = x_, .weight = embedding_});
    Emit({.kind = OpKind::kScale, .out = x_, .scale = std::sqrt(static_cast<float>(s_.width))});
    if (s_.extra > 0) LayerEmbeddings();
    Emit({.kind = OpKind::kTap, .layer = 0, .in = x_});
    for (layer_ = 0; layer_ < static_cast<int>(s_.layers); ++layer_) {
      Attention();
      Mlp();
      if (s_.extra > 0) MixEmbedding();
      const float scale = b_.NumberOr(Name("layer_output_scale.weight"), 1.0f);
      if (scale != 1.0f) Emit({.kind = OpKind::kScale, .out = x_, .scale = scale});
      Emit({.kind = OpKind::kTap, .layer = layer_ + 1, .in = x_});
    }
    layer_ = -1;
    Head();
    return b_.Finish();
  }

 private:
  void DeclareValues() {
    x_ = b_.Value("x", s_.width);
    h_ = b_.Value("h", s_.width);
    product_ = b_.Value("product", s_.width);
    for (const bool windowed : {false, true}) {
      LayerKind& kind = Kind(windowed);
      backend::KvGroup group{0, kind.kv_heads, kind.head_dim, kind.head_dim, windowed ? s_.window : 0};
      for (uint32_t layer = 0; layer < s_.own_layers; ++layer) group.layers += s_.windowed[layer] == windowed ? 1 : 0;
      if (group.layers == 0) continue;
      kind.group = b_.KvGroup(group);
      kind.rope_id = b_.Rope(kind.rope);
      kind.q = b_.Value("q", s_.heads * kind.head_dim);
      kind.k = b_.Value("k", kind.kv_heads * kind.head_dim);
      kind.v = b_.Value("v", kind.kv_heads * kind.head_dim);
      kind.o = b_.Value("o", s_.heads * kind.head_dim);
    }
    extras_ = b_.Value("layer_embeddings", s_.layers * s_.extra);
    projected_ = b_.Value("layer_projections", s_.layers * s_.extra);
    extra_ = b_.Value("layer_embedding", s_.extra);
    backend::Plan& plan = b_.plan();
    plan.layers = s_.layers;
    plan.embedding_length = s_.width;
    plan.vocabulary_size = vocabulary_;
    plan.context_length = s_.context;
  }

  // The token's own rows for all layers, and a projection of its embedding, in equal parts.
  void LayerEmbeddings() {
    const uint32_t all = s_.layers * s_.extra;
    Emit(
        {.kind = OpKind::kEmbed, .out = extras_, .weight = b_.Matrix("per_layer_token_embd.weight", all, vocabulary_)});
    Emit({.kind = OpKind::kScale, .out = extras_, .scale = std::sqrt(static_cast<float>(s_.extra))});
    Matmul("per_layer_model_proj.weight", x_, s_.width, projected_, all);
    Emit({.kind = OpKind::kScale, .out = projected_, .scale = 1.0f / std::sqrt(static_cast<float>(s_.width))});
    Emit({.kind = OpKind::kRmsNorm,
          .in = projected_,
          .out = projected_,
          .weight = b_.Vector("per_layer_proj_norm.weight", s_.extra),
          .eps = s_.eps,
          .heads = s_.layers});
    Emit({.kind = OpKind::kAdd, .in = extras_, .out = projected_});
    Emit({.kind = OpKind::kScale, .out = projected_, .scale = std::sqrt(0.5f)});
  }

  void Attention() {
    const uint32_t layer = static_cast<uint32_t>(layer_);
    LayerKind& kind = Kind(s_.windowed[layer]);
    if (kind.group < 0) return b_.Fail(base::StatusCode::kBadModelFile, "no layer writes the keys that others share");
    const uint32_t q_rows = s_.heads * kind.head_dim, kv_rows = kind.kv_heads * kind.head_dim;
    const bool own = layer < s_.own_layers;
    Norm("attn_norm.weight", x_, h_);
    Matmul(Name("attn_q.weight"), h_, s_.width, kind.q, q_rows);
    if (own) {
      Matmul(Name("attn_k.weight"), h_, s_.width, kind.k, kv_rows);
      // Values may be the keys before their norm and rotation.
      const bool has_values = b_.Has(Name("attn_v.weight"));
      Matmul(Name(has_values ? "attn_v.weight" : "attn_k.weight"), h_, s_.width, kind.v, kv_rows);
    }
    HeadNorm(kind.q, s_.heads, b_.Vector(Name("attn_q_norm.weight"), kind.head_dim));
    Rotate(kind, kind.q, s_.heads);
    if (own) {
      HeadNorm(kind.k, kind.kv_heads, b_.Vector(Name("attn_k_norm.weight"), kind.head_dim));
      HeadNorm(kind.v, kind.kv_heads, -1);
      Rotate(kind, kind.k, kind.kv_heads);
      Emit({.kind = OpKind::kKvWrite,
            .layer = layer_,
            .in = kind.k,
            .in2 = kind.v,
            .kv_group = kind.group,
            .kv_layer = kind.next_kv_layer++});
    }
    Emit({.kind = OpKind::kAttention,
          .layer = layer_,
          .in = kind.q,
          .out = kind.o,
          .heads = s_.heads,
          .head_dim = kind.head_dim,
          .kv_group = kind.group,
          .kv_layer = kind.next_kv_layer - 1,
          .scale = 1.0f});
    Matmul(Name("attn_output.weight"), kind.o, q_rows, product_, s_.width);
    Norm("post_attention_norm.weight", product_, product_);
    Emit({.kind = OpKind::kAdd, .layer = layer_, .in = product_, .out = x_});
  }

  void Mlp() {
    const uint32_t ff = s_.feed_forward[static_cast<size_t>(layer_)];
    const ValueId gate = b_.Value("gate", ff), up = b_.Value("up", ff);
    Norm("ffn_norm.weight", x_, h_);
    Matmul(Name("ffn_gate.weight"), h_, s_.width, gate, ff);
    Matmul(Name("ffn_up.weight"), h_, s_.width, up, ff);
    Emit({.kind = OpKind::kGate, .layer = layer_, .in = gate, .in2 = up, .out = gate, .activation = Activation::kGelu});
    Matmul(Name("ffn_down.weight"), gate, ff, product_, s_.width);
    Norm("post_ffw_norm.weight", product_, product_);
    Emit({.kind = OpKind::kAdd, .layer = layer_, .in = product_, .out = x_});
  }

  void MixEmbedding() {
    Matmul(Name("inp_gate.weight"), x_, s_.width, extra_, s_.extra);
    Emit({.kind = OpKind::kGate,
          .layer = layer_,
          .in = extra_,
          .in2 = projected_,
          .in2_first = static_cast<uint32_t>(layer_) * s_.extra,
          .out = extra_,
          .activation = Activation::kGelu});
    Matmul(Name("proj.weight"), extra_, s_.extra, product_, s_.width);
    Norm("post_norm.weight", product_, product_);
    Emit({.kind = OpKind::kAdd, .layer = layer_, .in = product_, .out = x_});
  }

  void Head() {
    backend::Plan& plan = b_.plan();
    plan.body_out = x_;
    plan.head_in = b_.Value("output_in", s_.width, backend::Rows::kOutputs);
    plan.normed = b_.Value("output_normed", s_.width, backend::Rows::kOutputs);
    plan.logits = b_.Value("logits", vocabulary_, backend::Rows::kOutputs);
    plan.head.push_back({.kind = OpKind::kRmsNorm,
                         .in = plan.head_in,
                         .out = plan.normed,
                         .weight = b_.Vector("output_norm.weight", s_.width),
                         .eps = s_.eps});
    const WeightId output = b_.Has("output.weight") ? b_.Matrix("output.weight", s_.width, vocabulary_) : embedding_;
    plan.head.push_back({.kind = OpKind::kMatmul, .in = plan.normed, .parts = {{output, -1, plan.logits}}});
    if (s_.logit_soft_cap > 0) {
      plan.head.push_back({.kind = OpKind::kSoftCap, .out = plan.logits, .scale = s_.logit_soft_cap});
    }
  }

  LayerKind& Kind(bool windowed) { return windowed ? s_.window_kind : s_.full; }
  std::string Name(const char* tensor) const { return "blk." + std::to_string(layer_) + "." + tensor; }

  void Norm(const char* tensor, ValueId in, ValueId out) {
    Emit({.kind = OpKind::kRmsNorm,
          .layer = layer_,
          .in = in,
          .out = out,
          .weight = b_.Vector(Name(tensor), s_.width),
          .eps = s_.eps});
  }
  void HeadNorm(ValueId value, uint32_t heads, WeightId weight) {
    Emit({.kind = OpKind::kRmsNorm,
          .layer = layer_,
          .in = value,
          .out = value,
          .weight = weight,
          .eps = s_.eps,
          .heads = heads});
  }
  void Rotate(const LayerKind& kind, ValueId value, uint32_t heads) {
    Emit({.kind = OpKind::kRope,
          .layer = layer_,
          .out = value,
          .heads = heads,
          .head_dim = kind.head_dim,
          .rope = kind.rope_id});
  }
  void Matmul(const std::string& name, ValueId in, uint32_t cols, ValueId out, uint32_t rows) {
    Emit({.kind = OpKind::kMatmul, .layer = layer_, .in = in, .parts = {{b_.Matrix(name, cols, rows), -1, out}}});
  }
  void Emit(Op op) { b_.plan().body.push_back(std::move(op)); }

  PlanBuilder b_;
  Shape s_;
  const uint32_t vocabulary_;
  int layer_ = -1;
  WeightId embedding_ = -1;
  ValueId x_ = -1, h_ = -1, product_ = -1, extras_ = -1, projected_ = -1, extra_ = -1;
};

}  // namespace

base::Result<backend::Plan> BuildGemma4(const gguf::File& file, const BuildOptions& options) {
  base::Result<Shape> shape = ReadShape(file, Metadata(file, "gemma4"), options);
  if (!shape.ok()) return shape.status();
  const gguf::TensorInfo* embedding = file.FindTensor("token_embd.weight");
  if (embedding == nullptr) return Bad("tensor token_embd.weight is missing");
  if (embedding->dims[1] > (1u << 24)) return Bad("tensor token_embd.weight has more rows than any vocabulary");
  return Gemma4Builder(file, std::move(*shape), static_cast<uint32_t>(embedding->dims[1])).Build();
}

}  // namespace zell::model
