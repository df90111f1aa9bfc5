#include "model/latent_attention.h"

#include <cmath>
#include <memory>

namespace zell::model {
namespace {

using backend::Op;
using backend::OpKind;
using backend::ValueId;

struct LatentShape {
  uint32_t embedding = 0, heads = 0;
  uint32_t query_rank = 0;  ///< of the compressed query; 0: queries come from the hidden state
  uint32_t latent = 0;      ///< numbers of a compressed row
  uint32_t rotated = 0;     ///< numbers of a head's key that rotate, the same for all heads
  uint32_t plain = 0;       ///< those that do not
  uint32_t value = 0;       ///< of a head's value
  bool absorbed = false;    ///< the cache holds compressed rows
  float scale = 1.0f, eps = 0.0f;

  uint32_t key() const { return plain + rotated; }
};

class LatentBuilder {
 public:
  LatentBuilder(PlanBuilder& b, const LatentShape& s) : b_(b), s_(s) {
    query_latent_ = b.Value("query_latent", s.query_rank);
    query_ = b.Value("query", s.heads * s.key());
    latent_ = b.Value("latent", s.latent);
    key_rotated_ = b.Value("key_rotated", s.rotated);
    key_ = b.Value("latent_key", s.absorbed ? s.latent + s.rotated : s.heads * s.key());
    result_ = b.Value("result", s.heads * s.value);
    if (s.absorbed) {
      query_plain_ = b.Value("query_plain", s.heads * s.plain);
      query_absorbed_ = b.Value("query_absorbed", s.heads * s.latent);
      query_whole_ = b.Value("query_whole", s.heads * (s.latent + s.rotated));
      sum_ = b.Value("latent_sum", s.heads * s.latent);
    } else {
      expanded_ = b.Value("expanded", s.heads * (s.plain + s.value));
      values_ = b.Value("values", s.heads * s.value);
    }
  }

  void Emit(uint32_t layer, ValueId in, ValueId out) {
    layer_ = static_cast<int>(layer);
    Queries(in);
    const uint32_t rows = s_.latent + s_.rotated;
    const std::string compress = Name("attn_kv_a_mqa.weight");
    Push({.kind = OpKind::kMatmul,
          .in = in,
          .parts = {{b_.MatrixRows(compress, s_.embedding, rows, 0, s_.latent), -1, latent_}}});
    Push({.kind = OpKind::kMatmul,
          .in = in,
          .parts = {{b_.MatrixRows(compress, s_.embedding, rows, s_.latent, s_.rotated), -1, key_rotated_}}});
    Norm("attn_kv_a_norm.weight", latent_, s_.latent);
    Push({.kind = OpKind::kRope, .out = key_rotated_, .heads = 1, .head_dim = s_.rotated, .rope = 0});
    Push({.kind = OpKind::kRope,
          .out = query_,
          .heads = s_.heads,
          .head_dim = s_.key(),
          .rope = 0,
          .out_offset = s_.plain});
    if (s_.absorbed) {
      Absorbed();
    } else {
      Expanded();
    }
    Matmul("attn_output.weight", result_, s_.heads * s_.value, out, s_.embedding);
  }

 private:
  void Queries(ValueId in) {
    if (s_.query_rank == 0) return Matmul("attn_q.weight", in, s_.embedding, query_, s_.heads * s_.key());
    Matmul("attn_q_a.weight", in, s_.embedding, query_latent_, s_.query_rank);
    Norm("attn_q_a_norm.weight", query_latent_, s_.query_rank);
    Matmul("attn_q_b.weight", query_latent_, s_.query_rank, query_, s_.heads * s_.key());
  }

  // Queries go into the space of the compressed rows, which are keys and values of one head for all.
  void Absorbed() {
    Copy(query_, s_.key(), 0, query_plain_, 0, s_.plain, s_.heads);
    Heads("attn_k_b.weight", query_plain_, s_.plain, query_absorbed_, s_.latent);
    Copy(query_absorbed_, s_.latent, 0, query_whole_, 0, s_.latent, s_.heads);
    Copy(query_, s_.key(), s_.plain, query_whole_, s_.latent, s_.rotated, s_.heads);
    Copy(latent_, 0, 0, key_, 0, s_.latent, 1);
    Copy(key_rotated_, 0, 0, key_, s_.latent, s_.rotated, 1);
    Attend(query_whole_, s_.latent + s_.rotated, latent_, sum_);
    Heads("attn_v_b.weight", sum_, s_.latent, result_, s_.value);
  }

  void Expanded() {
    const uint32_t stride = s_.plain + s_.value;
    Matmul("attn_kv_b.weight", latent_, s_.latent, expanded_, s_.heads * stride);
    Copy(expanded_, stride, 0, key_, 0, s_.plain, s_.heads);
    Copy(key_rotated_, 0, 0, key_, s_.plain, s_.rotated, s_.heads);
    Copy(expanded_, stride, s_.plain, values_, 0, s_.value, s_.heads);
    Attend(query_, s_.key(), values_, result_);
  }

  void Attend(ValueId query, uint32_t key_dim, ValueId values, ValueId out) {
    const uint32_t kv_layer = static_cast<uint32_t>(layer_);
    Push({.kind = OpKind::kKvWrite, .in = key_, .in2 = values, .kv_group = 0, .kv_layer = kv_layer});
    Push({.kind = OpKind::kAttention,
          .in = query,
          .out = out,
          .heads = s_.heads,
          .head_dim = key_dim,
          .kv_group = 0,
          .kv_layer = kv_layer,
          .scale = s_.scale});
  }

  void Copy(ValueId in, uint32_t in_stride, uint32_t in_offset, ValueId out, uint32_t out_offset, uint32_t n,
            uint32_t heads) {
    Push({.kind = OpKind::kCopyHeads,
          .in = in,
          .out = out,
          .heads = heads,
          .head_dim = n,
          .in_stride = in_stride,
          .in_offset = in_offset,
          .out_offset = out_offset});
  }
  // A matrix for each head.
  void Heads(const char* tensor, ValueId in, uint32_t cols, ValueId out, uint32_t rows) {
    Push({.kind = OpKind::kExperts,
          .in = in,
          .parts = {{b_.StackRows(Name(tensor), cols, rows, 0, rows, s_.heads), -1, out}}});
  }
  void Matmul(const char* tensor, ValueId in, uint32_t cols, ValueId out, uint32_t rows) {
    Push({.kind = OpKind::kMatmul, .in = in, .parts = {{b_.Matrix(Name(tensor), cols, rows), -1, out}}});
  }
  void Norm(const char* tensor, ValueId value, uint32_t n) {
    Push({.kind = OpKind::kRmsNorm, .in = value, .out = value, .weight = b_.Vector(Name(tensor), n), .eps = s_.eps});
  }
  void Push(Op op) {
    op.layer = layer_;
    b_.plan().body.push_back(std::move(op));
  }
  std::string Name(const char* tensor) const { return "blk." + std::to_string(layer_) + "." + tensor; }

  PlanBuilder& b_;
  const LatentShape s_;
  int layer_ = 0;
  ValueId query_latent_ = -1, query_ = -1, latent_ = -1, key_rotated_ = -1, key_ = -1, result_ = -1;
  ValueId query_plain_ = -1, query_absorbed_ = -1, query_whole_ = -1, sum_ = -1, expanded_ = -1, values_ = -1;
};

}  // namespace

void UseLatentAttention(DecoderReader& r) {
  LatentShape s;
  s.embedding = r.shape.embedding;
  s.heads = r.shape.heads;
  s.eps = r.shape.eps;
  s.latent = r.RequiredU32("attention.kv_lora_rank", 1, 1 << 16);
  s.rotated = r.RequiredU32("rope.dimension_count", 2, 1024);
  s.absorbed = r.HasTensor("blk.0.attn_k_b.weight");
  const uint32_t key = r.U32("attention.key_length_mla", r.shape.key_dim, s.rotated + 1, 4096);
  s.value = r.U32("attention.value_length_mla", r.shape.value_dim, 1, 4096);
  s.plain = key > s.rotated ? key - s.rotated : 1;
  if (!r.HasTensor("blk.0.attn_q.weight")) s.query_rank = r.RequiredU32("attention.q_lora_rank", 1, 1 << 16);
  r.shape.kv_heads = s.absorbed ? 1 : s.heads;
  r.shape.key_dim = s.absorbed ? s.latent + s.rotated : key;
  r.shape.value_dim = s.absorbed ? s.latent : s.value;

  // Stretched positions sharpen attention. Files name the logarithm's factor; then all of it is in the scale, else
  // rotation and scale each do it.
  const float factor = r.F32("rope.scaling.factor", 1.0f, 0.0, 1e6);
  const float magnitude = r.F32("rope.scaling.attn_factor", 1.0f, 1e-3, 1e3);
  const float multiplier = r.F32("rope.scaling.yarn_log_multiplier", 0.0f, 0.0, 1e3);
  const bool yarn = r.metadata().Str("rope.scaling.type").value_or("") == "yarn";
  float sharper = 1.0f;
  if (yarn && factor > 1) sharper = magnitude * (1.0f + (multiplier != 0 ? multiplier : 0.1f) * std::log(factor));
  if (yarn && multiplier != 0) r.traits.rope.magnitude = magnitude;
  s.scale = sharper * sharper / std::sqrt(static_cast<float>(key));

  r.traits.special_attention = [s, builder = std::shared_ptr<LatentBuilder>()](PlanBuilder& b, uint32_t layer,
                                                                               ValueId in, ValueId out) mutable {
    if (builder == nullptr) builder = std::make_shared<LatentBuilder>(b, s);
    builder->Emit(layer, in, out);
    return true;
  };
}

}  // namespace zell::model
