// BERT and its relatives: encoders whose tokens see the whole text. Norms come after what they add up; the last layer's
// output is the embedding of each token.
#include <algorithm>
#include <cmath>

#include "model/arch/arch.h"
#include "model/plan_builder.h"
#include "model/rope.h"

namespace zell::model {
namespace {

using backend::Op;
using backend::OpKind;
using backend::ValueId;

/// Where relatives differ.
struct EncoderTraits {
  bool positions = false;       ///< a table of positions is added to the embedding
  bool gated = false;           ///< SiLU-gated MLP without biases; else a plain one with GELU
  backend::RopeSpec rope = {};  ///< no turns: nothing rotates
};

class EncoderBuilder {
 public:
  EncoderBuilder(const gguf::File& file, const DecoderShape& shape, const EncoderTraits& traits, uint32_t vocabulary)
      : file_(file), b_(file), s_(shape), t_(traits), vocabulary_(vocabulary) {}

  base::Result<backend::Plan> Build() {
    backend::Plan& plan = b_.plan();
    plan.encoder = true;
    plan.layers = s_.layers;
    plan.embedding_length = s_.embedding;
    plan.vocabulary_size = vocabulary_;
    plan.context_length = s_.context;
    x_ = b_.Value("x", s_.embedding);
    q_ = b_.Value("q", s_.heads * s_.key_dim);
    k_ = b_.Value("k", s_.kv_heads * s_.key_dim);
    v_ = b_.Value("v", s_.kv_heads * s_.value_dim);
    o_ = b_.Value("o", s_.heads * s_.value_dim);
    product_ = b_.Value("product", s_.embedding);
    up_ = b_.Value("up", s_.feed_forward);
    gate_ = b_.Value("gate", s_.feed_forward);
    group_ = b_.KvGroup({s_.layers, s_.kv_heads, s_.key_dim, s_.value_dim, 0});
    if (!t_.rope.turns.empty()) rope_ = b_.Rope(t_.rope);

    Emit({.kind = OpKind::kEmbed, .out = x_, .weight = b_.Matrix("token_embd.weight", s_.embedding, vocabulary_)});
    if (b_.Has("token_types.weight")) AddTokenType();
    if (t_.positions) {
      const auto weight = b_.Matrix("position_embd.weight", s_.embedding, s_.context);
      Emit({.kind = OpKind::kAddRow, .out = x_, .weight = weight});
    }
    Norm("token_embd_norm");
    Emit({.kind = OpKind::kTap, .layer = 0, .in = x_});
    for (layer_ = 0; layer_ < static_cast<int>(s_.layers); ++layer_) {
      Attention();
      Norm("attn_output_norm");
      Mlp();
      Norm("layer_output_norm");
      Emit({.kind = OpKind::kTap, .layer = layer_ + 1, .in = x_});
    }
    plan.body_out = x_;
    plan.head_in = plan.normed = b_.Value("output", s_.embedding, backend::Rows::kOutputs);
    return b_.Finish();
  }

 private:
  // Texts come alone, never as the second of a pair: all tokens are of the first type.
  void AddTokenType() {
    const uint64_t types = file_.FindTensor("token_types.weight")->dims[1];
    const auto weight = b_.MatrixRows("token_types.weight", s_.embedding, types, 0, 1);
    Emit({.kind = OpKind::kAddRow, .out = x_, .weight = weight});
  }

  void Attention() {
    const uint32_t q = s_.heads * s_.key_dim, k = s_.kv_heads * s_.key_dim, v = s_.kv_heads * s_.value_dim;
    if (b_.Has(Name("attn_qkv", ".weight"))) {
      MatmulRows("attn_qkv", q + k + v, 0, q_, q);
      MatmulRows("attn_qkv", q + k + v, q, k_, k);
      MatmulRows("attn_qkv", q + k + v, q + k, v_, v);
    } else {
      Matmul("attn_q", x_, s_.embedding, q_, q);
      Matmul("attn_k", x_, s_.embedding, k_, k);
      Matmul("attn_v", x_, s_.embedding, v_, v);
    }
    if (rope_ >= 0) {
      Rotate(q_, s_.heads);
      Rotate(k_, s_.kv_heads);
    }
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
    Matmul("attn_output", o_, s_.heads * s_.value_dim, product_, s_.embedding);
    Emit({.kind = OpKind::kAdd, .layer = layer_, .in = product_, .out = x_});
  }

  void Mlp() {
    const uint32_t ff = s_.feed_forward;
    Matmul("ffn_up", x_, s_.embedding, up_, ff);
    if (t_.gated) {
      Matmul("ffn_gate", x_, s_.embedding, gate_, ff);
      Emit({.kind = OpKind::kGate, .layer = layer_, .in = gate_, .in2 = up_, .out = gate_});
    } else {
      Emit({.kind = OpKind::kActivate,
            .layer = layer_,
            .in = up_,
            .out = up_,
            .activation = backend::Activation::kGelu});
    }
    Matmul("ffn_down", t_.gated ? gate_ : up_, ff, product_, s_.embedding);
    Emit({.kind = OpKind::kAdd, .layer = layer_, .in = product_, .out = x_});
  }

  void Norm(const char* tensor) {
    Emit({.kind = OpKind::kLayerNorm,
          .layer = layer_,
          .in = x_,
          .out = x_,
          .weight = b_.Vector(Name(tensor, ".weight"), s_.embedding),
          .bias = b_.OptionalVector(Name(tensor, ".bias"), s_.embedding),
          .eps = s_.eps});
  }
  void Rotate(ValueId value, uint32_t heads) {
    Emit({.kind = OpKind::kRope, .layer = layer_, .out = value, .heads = heads, .head_dim = s_.key_dim, .rope = rope_});
  }
  void Matmul(const char* tensor, ValueId in, uint32_t cols, ValueId out, uint32_t rows) {
    const auto weight = b_.Matrix(Name(tensor, ".weight"), cols, rows);
    const auto bias = b_.OptionalVector(Name(tensor, ".bias"), rows);
    Emit({.kind = OpKind::kMatmul, .layer = layer_, .in = in, .parts = {{weight, bias, out}}});
  }
  void MatmulRows(const char* tensor, uint32_t all, uint32_t first, ValueId out, uint32_t rows) {
    const auto weight = b_.MatrixRows(Name(tensor, ".weight"), s_.embedding, all, first, rows);
    const std::string bias = Name(tensor, ".bias");
    const auto part = b_.Has(bias) ? b_.VectorPart(bias, all, first, rows) : -1;
    Emit({.kind = OpKind::kMatmul, .layer = layer_, .in = x_, .parts = {{weight, part, out}}});
  }
  std::string Name(const char* tensor, const char* suffix) const {
    return (layer_ < 0 ? "" : "blk." + std::to_string(layer_) + ".") + tensor + suffix;
  }
  void Emit(Op op) { b_.plan().body.push_back(std::move(op)); }

  const gguf::File& file_;
  PlanBuilder b_;
  const DecoderShape& s_;
  const EncoderTraits& t_;
  const uint32_t vocabulary_;
  int layer_ = -1, group_ = -1, rope_ = -1;
  ValueId x_ = -1, q_ = -1, k_ = -1, v_ = -1, o_ = -1, product_ = -1, up_ = -1, gate_ = -1;
};

base::Result<DecoderShape> ReadShape(const Metadata& metadata) {
  return ReadDecoderShape(metadata, "attention.layer_norm_epsilon");
}

base::Result<backend::Plan> BuildEncoder(const gguf::File& file, const DecoderShape& shape,
                                         const EncoderTraits& traits) {
  const gguf::TensorInfo* embedding = file.FindTensor("token_embd.weight");
  if (embedding == nullptr || embedding->dims[1] > (1u << 24)) {
    return base::Status{base::StatusCode::kBadModelFile, "tensor token_embd.weight is missing or too large"};
  }
  return EncoderBuilder(file, shape, traits, static_cast<uint32_t>(embedding->dims[1])).Build();
}

}  // namespace

base::Result<backend::Plan> BuildBert(const gguf::File& file, const BuildOptions&) {
  const base::Result<DecoderShape> shape = ReadShape(Metadata(file, "bert"));
  if (!shape.ok()) return shape.status();
  return BuildEncoder(file, *shape, {.positions = true});
}

base::Result<backend::Plan> BuildNomicBert(const gguf::File& file, const BuildOptions& options) {
  const Metadata metadata(file, "nomic-bert");
  const base::Result<DecoderShape> shape = ReadShape(metadata);
  if (!shape.ok()) return shape.status();
  const uint32_t context = options.context != 0 ? std::min(options.context, shape->context) : shape->context;
  base::Result<backend::RopeSpec> rope = ReadRope(
      file, metadata, {.dims = shape->rope_dims, .base = shape->rope_base, .split_halves = true, .context = context});
  if (!rope.ok()) return rope.status();
  return BuildEncoder(file, *shape, {.gated = true, .rope = std::move(*rope)});
}

}  // namespace zell::model
