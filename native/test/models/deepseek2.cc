// DeepSeek V2 and V3: compressed keys and values.
#include "models/models.h"

namespace zell::test {
namespace {

constexpr uint64_t kLatent = 256, kQueryRank = 256, kPlain = 256, kRotated = 64, kValue = 256;

struct Latent {
  bool absorbed = true;
  bool query_rank = true;
  float router = 2.0f;
};

void Describe(ModelMaker& m, const Latent& x) {
  const uint64_t heads = m.shape.heads, width = m.shape.width, key = kPlain + kRotated;
  m.DecoderMetadata();
  m.ExpertMetadata();
  m.Number("leading_dense_block_count", 1);
  m.Number("expert_shared_count", 1);
  m.Number("attention.head_count_kv", x.absorbed ? 1 : heads);
  m.Number("attention.q_lora_rank", x.query_rank ? kQueryRank : 0);
  m.Number("attention.kv_lora_rank", kLatent);
  m.Number("attention.key_length", x.absorbed ? kLatent + kRotated : key);
  m.Number("attention.value_length", x.absorbed ? kLatent : kValue);
  if (x.absorbed) m.Number("attention.key_length_mla", key);
  if (x.absorbed) m.Number("attention.value_length_mla", kValue);
  m.Number("rope.dimension_count", kRotated);
  m.Embedding();
  for (uint64_t layer = 0; layer < m.shape.layers; ++layer) {
    const std::string in = m.Layer(layer);
    m.Norm(in + "attn_norm", width);
    if (x.query_rank) {
      m.Matrix(in + "attn_q_a.weight", width, kQueryRank, 1.0f);
      m.Norm(in + "attn_q_a_norm", kQueryRank);
      m.Matrix(in + "attn_q_b.weight", kQueryRank, heads * key, 1.2f);
    } else {
      m.Matrix(in + "attn_q.weight", width, heads * key, 1.2f);
    }
    m.Matrix(in + "attn_kv_a_mqa.weight", width, kLatent + kRotated, 1.0f);
    m.Norm(in + "attn_kv_a_norm", kLatent);
    if (x.absorbed) {
      m.Matrices(in + "attn_k_b.weight", kPlain, kLatent, heads, 1.2f);
      m.Matrices(in + "attn_v_b.weight", kLatent, kValue, heads, 1.0f);
    } else {
      m.Matrix(in + "attn_kv_b.weight", kLatent, heads * (kPlain + kValue), 1.2f);
    }
    m.Matrix(in + "attn_output.weight", heads * kValue, width, 2.0f);
    m.Norm(in + "ffn_norm", width);
    if (layer == 0) {
      m.GatedMlp(in);
      continue;
    }
    m.Experts(in, false, x.absorbed, x.router);
    m.SharedExpert(in, m.shape.expert_ffn);
  }
  m.Output();
}

}  // namespace

// V3: experts chosen within groups by sigmoid scores with a bias, yarn.
void DescribeDeepseek2(ModelMaker& m) {
  Describe(m, {});
  m.Number("expert_group_count", 4);
  m.Number("expert_group_used_count", 2);
  m.Number("expert_gating_func", 2);
  m.Set("expert_weights_norm", true);
  m.Set("expert_weights_scale", 2.5f);
  SetYarn(m);
  m.Set("rope.scaling.yarn_log_multiplier", 0.1f);
}

// V2 Lite in an older file. Its experts' weights are not made to sum to 1, so that a near tie between the last one
// chosen and the next one would count: the gaps are wide, for such a pair to weigh little.
void DescribeDeepseek2Lite(ModelMaker& m) {
  Describe(m, {.absorbed = false, .query_rank = false, .router = 4.0f});
  SetYarn(m);
  m.Set("rope.scaling.yarn_log_multiplier", 0.0707f);
}

}  // namespace zell::test
