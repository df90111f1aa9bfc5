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
      : b_(file), s_(shape), traits_(traits), vocabulary_(vocabulary) {}

  base::Result<backend::Plan> Build() {
    DeclareValues();
    const WeightId embedding = b_.Matrix("token_embd.weight", s_.embedding, vocabulary_);
    Op embed{.kind = OpKind::kEmbed, .out = x_, .weight = embedding};
    Emit(std::move(embed));
    Emit({.kind = OpKind::kTap, .layer = 0, .in = x_});
    for (layer_ = 0; layer_ < static_cast<int>(s_.layers); ++layer_) {
      Attention();
      Mlp();
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
    q_ = b_.Value("q", s_.heads * s_.key_dim);
    k_ = b_.Value("k", s_.kv_heads * s_.key_dim);
    v_ = b_.Value("v", s_.kv_heads * s_.value_dim);
    o_ = b_.Value("o", s_.heads * s_.value_dim);
    product_ = b_.Value("product", s_.embedding);
    gate_ = b_.Value("gate", s_.feed_forward);
    up_ = b_.Value("up", s_.feed_forward);
    group_ = b_.KvGroup({s_.layers, s_.kv_heads, s_.key_dim, s_.value_dim});
    backend::RopeSpec rope;
    rope.dims = s_.rope_dims;
    rope.split_halves = traits_.rope_split_halves;
    rope.base = s_.rope_base;
    rope.scale = s_.rope_scale;
    rope.factors = b_.OptionalVector("rope_freqs.weight", s_.rope_dims / 2);
    rope_ = b_.Rope(rope);
    backend::Plan& plan = b_.plan();
    plan.layers = s_.layers;
    plan.embedding_length = s_.embedding;
    plan.vocabulary_size = vocabulary_;
    plan.context_length = s_.context;
  }

  void Attention() {
    const uint32_t q_width = s_.heads * s_.key_dim, k_width = s_.kv_heads * s_.key_dim,
                   v_width = s_.kv_heads * s_.value_dim;
    Norm("attn_norm", x_, h_);
    Matmul("attn_q", h_, s_.embedding, q_, q_width, traits_.qkv_bias);
    Matmul("attn_k", h_, s_.embedding, k_, k_width, traits_.qkv_bias);
    Matmul("attn_v", h_, s_.embedding, v_, v_width, traits_.qkv_bias);
    Emit({.kind = OpKind::kRope, .layer = layer_, .out = q_, .heads = s_.heads, .head_dim = s_.key_dim, .rope = rope_});
    Emit({.kind = OpKind::kRope,
          .layer = layer_,
          .out = k_,
          .heads = s_.kv_heads,
          .head_dim = s_.key_dim,
          .rope = rope_});
    const uint32_t kv_layer = static_cast<uint32_t>(layer_);
    Emit({.kind = OpKind::kKvWrite, .layer = layer_, .in = k_, .in2 = v_, .kv_group = group_, .kv_layer = kv_layer});
    Emit({.kind = OpKind::kAttention,
          .layer = layer_,
          .in = q_,
          .out = o_,
          .heads = s_.heads,
          .head_dim = s_.key_dim,
          .kv_group = group_,
          .kv_layer = kv_layer,
          .scale = 1.0f / std::sqrt(static_cast<float>(s_.key_dim))});
    Matmul("attn_output", o_, s_.heads * s_.value_dim, product_, s_.embedding, false);
    Emit({.kind = OpKind::kAdd, .layer = layer_, .in = product_, .out = x_});
  }

  void Mlp() {
    Norm("ffn_norm", x_, h_);
    Matmul("ffn_gate", h_, s_.embedding, gate_, s_.feed_forward, false);
    Matmul("ffn_up", h_, s_.embedding, up_, s_.feed_forward, false);
    Emit({.kind = OpKind::kSiluMul, .layer = layer_, .in = gate_, .in2 = up_, .out = gate_});
    Matmul("ffn_down", gate_, s_.feed_forward, product_, s_.embedding, false);
    Emit({.kind = OpKind::kAdd, .layer = layer_, .in = product_, .out = x_});
  }

  void Head() {
    backend::Plan& plan = b_.plan();
    plan.body_out = x_;
    plan.head_in = b_.Value("output_in", s_.embedding, backend::Rows::kOutputs);
    plan.normed = b_.Value("output_normed", s_.embedding, backend::Rows::kOutputs);
    plan.logits = b_.Value("logits", vocabulary_, backend::Rows::kOutputs);
    plan.head.push_back({.kind = OpKind::kRmsNorm,
                         .in = plan.head_in,
                         .out = plan.normed,
                         .weight = b_.Vector("output_norm.weight", s_.embedding),
                         .eps = s_.eps});
    // A file without an output matrix ties it to the embedding.
    const char* output = b_.Has("output.weight") ? "output.weight" : "token_embd.weight";
    const WeightId weight = b_.Matrix(output, s_.embedding, vocabulary_);
    plan.head.push_back({.kind = OpKind::kMatmul, .in = plan.normed, .parts = {{weight, -1, plan.logits}}});
  }

  std::string Name(const char* tensor, const char* suffix) const {
    return "blk." + std::to_string(layer_) + "." + tensor + suffix;
  }

  void Norm(const char* tensor, ValueId in, ValueId out) {
    Emit({.kind = OpKind::kRmsNorm,
          .layer = layer_,
          .in = in,
          .out = out,
          .weight = b_.Vector(Name(tensor, ".weight"), s_.embedding),
          .eps = s_.eps});
  }

  void Matmul(const char* tensor, ValueId in, uint32_t cols, ValueId out, uint32_t rows, bool bias_required) {
    const WeightId weight = b_.Matrix(Name(tensor, ".weight"), cols, rows);
    const std::string bias_name = Name(tensor, ".bias");
    const WeightId bias = bias_required ? b_.Vector(bias_name, rows) : b_.OptionalVector(bias_name, rows);
    Emit({.kind = OpKind::kMatmul, .layer = layer_, .in = in, .parts = {{weight, bias, out}}});
  }

  void Emit(Op op) { b_.plan().body.push_back(std::move(op)); }

  PlanBuilder b_;
  const DecoderShape& s_;
  const DecoderTraits& traits_;
  const uint32_t vocabulary_;
  int layer_ = -1;
  int group_ = -1, rope_ = -1;
  ValueId x_ = -1, h_ = -1, q_ = -1, k_ = -1, v_ = -1, o_ = -1, product_ = -1, gate_ = -1, up_ = -1;
};

}  // namespace

base::Result<backend::Plan> BuildDecoderPlan(const gguf::File& file, const Metadata& metadata,
                                             const DecoderTraits& traits) {
  base::Result<DecoderShape> shape = ReadDecoderShape(metadata);
  if (!shape.ok()) return shape.status();
  const gguf::TensorInfo* embedding = file.FindTensor("token_embd.weight");
  if (embedding == nullptr) return base::Status{base::StatusCode::kBadModelFile, "tensor token_embd.weight is missing"};
  if (embedding->dims[1] > (1u << 24)) {
    return base::Status{base::StatusCode::kBadModelFile, "tensor token_embd.weight has more rows than any vocabulary"};
  }
  return DecoderBuilder(file, *shape, traits, static_cast<uint32_t>(embedding->dims[1])).Build();
}

}  // namespace zell::model
