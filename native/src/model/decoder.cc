#include "model/decoder.h"

#include <cmath>

namespace zell::model {
namespace {

using backend::Op;
using backend::OpKind;
using backend::ValueId;
using backend::WeightId;

class DecoderBuilder {
 public:
  DecoderBuilder(const gguf::File& file, const DecoderShape& shape, const DecoderTraits& traits, uint32_t vocabulary)
      : b_(file), s_(shape), t_(traits), vocabulary_(vocabulary) {}

  base::Result<backend::Plan> Build() {
    DeclareValues();
    Emit({.kind = OpKind::kEmbed, .out = x_, .weight = b_.Matrix("token_embd.weight", s_.embedding, vocabulary_)});
    if (t_.embedding_scale != 1.0f) Emit({.kind = OpKind::kScale, .out = x_, .scale = t_.embedding_scale});
    Emit({.kind = OpKind::kTap, .layer = 0, .in = x_});
    for (layer_ = 0; layer_ < static_cast<int>(s_.layers); ++layer_) {
      Layer();
      Emit({.kind = OpKind::kTap, .layer = layer_ + 1, .in = x_});
    }
    layer_ = -1;
    Head();
    return b_.Finish();
  }

 private:
  void DeclareValues() {
    x_ = b_.Value("x", s_.embedding);
    h_ = b_.Value("h", s_.embedding);
    h2_ = b_.Value("h2", s_.embedding);
    q_ = b_.Value("q", s_.heads * s_.key_dim);
    k_ = b_.Value("k", s_.kv_heads * s_.key_dim);
    v_ = b_.Value("v", s_.kv_heads * s_.value_dim);
    o_ = b_.Value("o", s_.heads * s_.value_dim);
    product_ = b_.Value("product", s_.embedding);
    gate_ = b_.Value("gate", s_.feed_forward);
    up_ = b_.Value("up", s_.feed_forward);
    uint32_t windowed = 0;
    for (const bool w : t_.windowed) windowed += w ? 1 : 0;
    backend::KvGroup group{s_.layers - windowed, s_.kv_heads, s_.key_dim, s_.value_dim, 0};
    if (group.layers > 0) group_ = b_.KvGroup(group);
    group.layers = windowed;
    group.window = t_.window;
    if (group.layers > 0) window_group_ = b_.KvGroup(group);
    if (!t_.rope.turns.empty()) rope_ = window_rope_ = b_.Rope(t_.rope);
    if (!t_.window_rope.turns.empty() && windowed > 0) window_rope_ = b_.Rope(t_.window_rope);
    if (t_.query_growth != 0 && rope_ >= 0) {
      backend::RopeSpec grown = t_.rope;
      grown.growth = t_.query_growth;
      grown.growth_step = t_.query_growth_step;
      query_rope_ = b_.Rope(grown);
      if (grown.dims() != s_.key_dim || windowed > 0) {
        b_.Fail(base::StatusCode::kUnsupportedModel, "queries that grow with their position need a full rotation");
      }
    }
    backend::Plan& plan = b_.plan();
    plan.layers = s_.layers;
    plan.embedding_length = s_.embedding;
    plan.vocabulary_size = vocabulary_;
    plan.context_length = s_.context;
  }

  void Layer() {
    const ValueId attention_in = t_.pre_norms ? h_ : x_;
    if (t_.pre_norms) Norm(t_.attention_norm, x_, h_);
    if (t_.parallel) {
      // Both read the state as it was: the MLP's own norm is taken before attention adds to it.
      const bool own_norm = b_.Has(Name(t_.mlp_norm, ".weight"));
      if (own_norm) Norm(t_.mlp_norm, x_, h2_);
      AttentionTo(attention_in);
      MlpTo(own_norm ? h2_ : attention_in);
    } else {
      AttentionTo(attention_in);
      if (t_.pre_norms) Norm(t_.mlp_norm, x_, h_);
      MlpTo(t_.pre_norms ? h_ : x_);
    }
  }

  void AttentionTo(ValueId in) {
    if (!t_.special_attention || !t_.special_attention(b_, Index(), in, product_)) Attention(in);
    AddToState("post_attention_norm");
  }
  void MlpTo(ValueId in) {
    if (!t_.special_mlp || !t_.special_mlp(b_, Index(), in, product_)) Mlp(in);
    AddToState("post_ffw_norm");
  }
  void AddToState(const char* norm) {
    if (t_.post_norms) Norm(norm, product_, product_);
    Emit({.kind = OpKind::kAdd, .layer = layer_, .in = product_, .out = x_, .scale = t_.residual_scale});
  }

  void Attention(ValueId in) {
    QueriesKeysValues(in);
    if (!t_.norm_rotated) NormHeads();
    const bool windowed = At(t_.windowed);
    if (const int rope = windowed ? window_rope_ : rope_; rope >= 0 && !At(t_.unrotated)) {
      Rotate(q_, s_.heads, query_rope_ >= 0 ? query_rope_ : rope);
      Rotate(k_, s_.kv_heads, rope);
    }
    if (t_.norm_rotated) NormHeads();
    const int group = windowed ? window_group_ : group_;
    const uint32_t kv_layer = windowed ? next_windowed_++ : next_full_++;
    Emit({.kind = OpKind::kKvWrite, .layer = layer_, .in = k_, .in2 = v_, .kv_group = group, .kv_layer = kv_layer});
    const float usual = 1.0f / std::sqrt(static_cast<float>(s_.key_dim));
    Emit({.kind = OpKind::kAttention,
          .layer = layer_,
          .in = q_,
          .out = o_,
          .heads = s_.heads,
          .head_dim = s_.key_dim,
          .kv_group = group,
          .kv_layer = kv_layer,
          .scale = t_.attention_scale != 0 ? t_.attention_scale : usual,
          .soft_cap = t_.attention_soft_cap,
          .sinks = b_.OptionalVector(Name("attn_sinks", ".weight"), s_.heads)});
    Matmul("attn_output", o_, s_.heads * s_.value_dim, product_, s_.embedding, t_.all_biases);
  }

  // Of three matrices, or of one whose rows are theirs in turn.
  void QueriesKeysValues(ValueId in) {
    const uint32_t q_rows = s_.heads * s_.key_dim, k_rows = s_.kv_heads * s_.key_dim,
                   v_rows = s_.kv_heads * s_.value_dim;
    const bool bias = t_.qkv_bias || t_.all_biases;
    if (!b_.Has(Name("attn_qkv", ".weight"))) {
      Matmul("attn_q", in, s_.embedding, q_, q_rows, bias);
      Matmul("attn_k", in, s_.embedding, k_, k_rows, bias);
      Matmul("attn_v", in, s_.embedding, v_, v_rows, bias);
      return;
    }
    const uint32_t all = q_rows + k_rows + v_rows;
    MatmulRows("attn_qkv", in, s_.embedding, all, 0, q_, q_rows, "attn_q", bias);
    MatmulRows("attn_qkv", in, s_.embedding, all, q_rows, k_, k_rows, "attn_k", bias);
    MatmulRows("attn_qkv", in, s_.embedding, all, q_rows + k_rows, v_, v_rows, "attn_v", bias);
  }

  void NormHeads() {
    if (t_.head_norms == HeadNorms::kNone) return;
    HeadNorm("attn_q_norm", q_, s_.heads);
    HeadNorm("attn_k_norm", k_, s_.kv_heads);
  }
  void HeadNorm(const char* tensor, ValueId value, uint32_t heads) {
    const uint32_t width = heads * s_.key_dim;
    const std::string name = Name(tensor, ".weight");
    const WeightId weight = t_.head_norms == HeadNorms::kEachHead      ? b_.Vector(name, s_.key_dim)
                            : t_.head_norms == HeadNorms::kEachHeadOwn ? b_.FlatVector(name, width)
                                                                       : b_.Vector(name, width);
    Emit({.kind = NormOp(),
          .layer = layer_,
          .in = value,
          .out = value,
          .weight = weight,
          .eps = s_.eps,
          .heads = t_.head_norms == HeadNorms::kWhole ? 1 : heads});
  }

  void Rotate(ValueId value, uint32_t heads, int rope) {
    Emit({.kind = OpKind::kRope, .layer = layer_, .out = value, .heads = heads, .head_dim = s_.key_dim, .rope = rope});
  }

  void Mlp(ValueId in) {
    const uint32_t ff = s_.feed_forward;
    if (t_.mlp == MlpKind::kPlain) {
      Matmul("ffn_up", in, s_.embedding, up_, ff, t_.all_biases);
      Emit({.kind = OpKind::kActivate, .layer = layer_, .in = up_, .out = up_, .activation = t_.activation});
    } else {
      if (t_.mlp == MlpKind::kFusedGate) {
        MatmulRows("ffn_up", in, s_.embedding, 2 * ff, 0, gate_, ff, "", false);
        MatmulRows("ffn_up", in, s_.embedding, 2 * ff, ff, up_, ff, "", false);
      } else {
        Matmul("ffn_gate", in, s_.embedding, gate_, ff, t_.all_biases);
        Matmul("ffn_up", in, s_.embedding, up_, ff, t_.all_biases);
      }
      Emit(
          {.kind = OpKind::kGate, .layer = layer_, .in = gate_, .in2 = up_, .out = gate_, .activation = t_.activation});
    }
    Matmul("ffn_down", t_.mlp == MlpKind::kPlain ? up_ : gate_, ff, product_, s_.embedding, t_.all_biases);
  }

  void Head() {
    backend::Plan& plan = b_.plan();
    plan.body_out = x_;
    plan.head_in = b_.Value("output_in", s_.embedding, backend::Rows::kOutputs);
    plan.normed = b_.Value("output_normed", s_.embedding, backend::Rows::kOutputs);
    plan.logits = b_.Value("logits", vocabulary_, backend::Rows::kOutputs);
    plan.head.push_back(NormWith("output_norm", plan.head_in, plan.normed));
    // A file without an output matrix ties it to the embedding.
    const char* output = b_.Has("output.weight") ? "output.weight" : "token_embd.weight";
    const WeightId weight = b_.Matrix(output, s_.embedding, vocabulary_);
    const WeightId bias = b_.OptionalVector("output.bias", vocabulary_);
    plan.head.push_back({.kind = OpKind::kMatmul, .in = plan.normed, .parts = {{weight, bias, plan.logits}}});
    if (t_.logit_scale != 1.0f) {
      plan.head.push_back({.kind = OpKind::kScale, .out = plan.logits, .scale = t_.logit_scale});
    }
    if (t_.logit_soft_cap > 0) {
      plan.head.push_back({.kind = OpKind::kSoftCap, .out = plan.logits, .scale = t_.logit_soft_cap});
    }
  }

  uint32_t Index() const { return static_cast<uint32_t>(layer_); }
  bool At(const std::vector<bool>& layers) const { return Index() < layers.size() && layers[Index()]; }
  std::string Name(const char* tensor, const char* suffix) const {
    return (layer_ < 0 ? "" : "blk." + std::to_string(layer_) + ".") + tensor + suffix;
  }
  OpKind NormOp() const { return t_.norm == NormKind::kRms ? OpKind::kRmsNorm : OpKind::kLayerNorm; }

  Op NormWith(const char* tensor, ValueId in, ValueId out) {
    Op op{.kind = NormOp(), .layer = layer_, .in = in, .out = out, .eps = s_.eps};
    op.weight = b_.Vector(Name(tensor, ".weight"), s_.embedding);
    if (t_.norm == NormKind::kLayer || t_.norm_bias) {
      op.bias = Bias(Name(tensor, ".bias"), s_.embedding, t_.all_biases || t_.norm_bias);
    }
    return op;
  }
  void Norm(const char* tensor, ValueId in, ValueId out) { Emit(NormWith(tensor, in, out)); }

  WeightId Bias(const std::string& name, uint64_t n, bool required) {
    return required ? b_.Vector(name, n) : b_.OptionalVector(name, n);
  }

  void Matmul(const char* tensor, ValueId in, uint32_t cols, ValueId out, uint32_t rows, bool bias_required) {
    const WeightId weight = b_.Matrix(Name(tensor, ".weight"), cols, rows);
    const WeightId bias = Bias(Name(tensor, ".bias"), rows, bias_required);
    Emit({.kind = OpKind::kMatmul, .layer = layer_, .in = in, .parts = {{weight, bias, out}}});
  }

  // Rows [first, first + rows) of a matrix of `all` rows. Its bias is that part of the whole one, or one of its own.
  void MatmulRows(const char* tensor, ValueId in, uint32_t cols, uint32_t all, uint32_t first, ValueId out,
                  uint32_t rows, const char* own, bool bias_required) {
    const WeightId weight = b_.MatrixRows(Name(tensor, ".weight"), cols, all, first, rows);
    WeightId bias = -1;
    if (b_.Has(Name(tensor, ".bias"))) {
      bias = b_.VectorPart(Name(tensor, ".bias"), all, first, rows);
    } else if (*own != 0) {
      bias = Bias(Name(own, ".bias"), rows, bias_required);
    }
    Emit({.kind = OpKind::kMatmul, .layer = layer_, .in = in, .parts = {{weight, bias, out}}});
  }

  void Emit(Op op) { b_.plan().body.push_back(std::move(op)); }

  PlanBuilder b_;
  const DecoderShape& s_;
  const DecoderTraits& t_;
  const uint32_t vocabulary_;
  int layer_ = -1;
  int group_ = -1, window_group_ = -1, rope_ = -1, window_rope_ = -1, query_rope_ = -1;
  uint32_t next_full_ = 0, next_windowed_ = 0;  ///< layers of each group that are taken
  ValueId x_ = -1, h_ = -1, h2_ = -1, q_ = -1, k_ = -1, v_ = -1, o_ = -1, product_ = -1, gate_ = -1, up_ = -1;
};

}  // namespace

base::Result<backend::Plan> BuildDecoderPlan(const gguf::File& file, const DecoderShape& shape,
                                             const DecoderTraits& traits) {
  const gguf::TensorInfo* embedding = file.FindTensor("token_embd.weight");
  if (embedding == nullptr) return base::Status{base::StatusCode::kBadModelFile, "tensor token_embd.weight is missing"};
  if (embedding->dims[1] > (1u << 24)) {
    return base::Status{base::StatusCode::kBadModelFile, "tensor token_embd.weight has more rows than any vocabulary"};
  }
  return DecoderBuilder(file, shape, traits, static_cast<uint32_t>(embedding->dims[1])).Build();
}

}  // namespace zell::model
