// Mixtures of experts whose attention is that of a dense relative.
#include "models/models.h"

namespace zell::test {
namespace {

struct Mixture {
  bool qkv_bias = false;
  bool head_norms = false;
  uint64_t dense_layers = 0;
  uint64_t shared_ffn = 0;
  bool shared_gate = false;
  bool selection_bias = false;
  const char* mlp_norm = "ffn_norm";
  bool whole_norms = false;  ///< of queries and keys, over all heads
};

void Describe(ModelMaker& m, const Mixture& x) {
  m.DecoderMetadata();
  m.ExpertMetadata();
  if (x.dense_layers > 0) m.Number("leading_dense_block_count", x.dense_layers);
  m.Embedding();
  for (uint64_t layer = 0; layer < m.shape.layers; ++layer) {
    const std::string in = m.Layer(layer);
    m.Norm(in + "attn_norm", m.shape.width);
    m.Attention(in, x.qkv_bias);
    if (x.head_norms || x.whole_norms) {
      m.Norm(in + "attn_q_norm", x.whole_norms ? m.q_width() : m.shape.head_dim);
      m.Norm(in + "attn_k_norm", x.whole_norms ? m.kv_width() : m.shape.head_dim);
    }
    m.Norm(in + x.mlp_norm, m.shape.width);
    if (layer < x.dense_layers) {
      m.GatedMlp(in);
      continue;
    }
    m.Experts(in, false, x.selection_bias);
    if (x.shared_ffn > 0) m.SharedExpert(in, x.shared_ffn, x.shared_gate);
  }
  m.Output();
}

constexpr uint32_t kSigmoid = 2;

}  // namespace

void DescribeMixtral(ModelMaker& m) { Describe(m, {}); }

void DescribeQwen2Moe(ModelMaker& m) {
  m.Number("expert_shared_feed_forward_length", 512);
  Describe(m, {.qkv_bias = true, .shared_ffn = 512, .shared_gate = true});
}

void DescribeQwen3Moe(ModelMaker& m) { Describe(m, {.head_norms = true}); }

void DescribeOlmoe(ModelMaker& m) { Describe(m, {.whole_norms = true}); }

void DescribeDeepseek(ModelMaker& m) {
  m.Number("expert_shared_count", 2);
  m.Set("expert_weights_scale", 1.5f);
  Describe(m, {.dense_layers = 1, .shared_ffn = 2 * m.shape.expert_ffn});
}

void DescribeBailingMoe(ModelMaker& m) {
  m.Number("expert_shared_count", 1);
  m.Set("expert_weights_norm", true);
  Describe(m, {.shared_ffn = m.shape.expert_ffn});
}

void DescribeErnieMoe(ModelMaker& m) {
  m.Number("expert_shared_feed_forward_length", 256);
  m.Number("interleave_moe_layer_step", 1);
  Describe(m, {.dense_layers = 1, .shared_ffn = 256, .selection_bias = true});
}

void DescribeDots1(ModelMaker& m) {
  m.Number("expert_shared_count", 1);
  m.Set("expert_weights_norm", true);
  m.Set("expert_weights_scale", 2.5f);
  m.Set("expert_gating_func", kSigmoid);
  Describe(m, {.head_norms = true, .dense_layers = 1, .shared_ffn = m.shape.expert_ffn, .selection_bias = true});
}

void DescribeGlm4Moe(ModelMaker& m) {
  m.Number("expert_shared_count", 1);
  m.Set("expert_weights_norm", true);
  m.Set("expert_weights_scale", 1.5f);
  Describe(m, {.qkv_bias = true,
               .head_norms = true,
               .dense_layers = 1,
               .shared_ffn = m.shape.expert_ffn,
               .selection_bias = true,
               .mlp_norm = "post_attention_norm"});
  m.Number("rope.dimension_count", m.shape.head_dim / 2);
}

void DescribeGraniteMoe(ModelMaker& m) {
  m.Set("logit_scale", 0.7f);
  m.Set("residual_scale", 0.8f);
  m.Set("embedding_scale", 1.3f);
  m.Set("attention.scale", 0.1f);
  m.Number("expert_shared_feed_forward_length", 256);
  Describe(m, {.shared_ffn = 256});
}

void DescribePhiMoe(ModelMaker& m) {
  m.DecoderMetadata();
  m.ExpertMetadata();
  m.Number("attention.sliding_window", 0);
  m.Embedding();
  for (uint64_t layer = 0; layer < m.shape.layers; ++layer) {
    const std::string in = m.Layer(layer);
    m.Norm(in + "attn_norm", m.shape.width, true);
    m.Attention(in, true, true);
    m.Norm(in + "ffn_norm", m.shape.width, true);
    m.Experts(in);
  }
  m.Output(true, true);
}

}  // namespace zell::test
