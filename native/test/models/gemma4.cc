// Gemma 4, small and large: with and without an embedding for each layer and shared keys, values of their own or not.
#include "models/models.h"

namespace zell::test {
namespace {

/// Every third layer sees all. `shared`: layers at the end without keys and values.
void Describe(ModelMaker& m, uint64_t extra, uint64_t shared) {
  const uint64_t layers = m.shape.layers, width = m.shape.width, full_dim = 2 * m.shape.head_dim;
  m.DecoderMetadata();
  std::vector<bool> windowed;
  std::vector<uint32_t> kv_heads, feed_forward;
  std::vector<int32_t> pattern;
  for (uint64_t layer = 0; layer < layers; ++layer) {
    windowed.push_back(layer % 3 != 2);
    pattern.push_back(windowed.back() ? 1 : 0);
    kv_heads.push_back(static_cast<uint32_t>(windowed.back() ? m.shape.kv_heads : 1));
    feed_forward.push_back(static_cast<uint32_t>(layer + shared >= layers ? 2 * m.shape.ffn : m.shape.ffn));
  }
  m.Set("attention.head_count_kv", kv_heads);
  m.Set("feed_forward_length", feed_forward);
  m.Set("attention.sliding_window_pattern", pattern);
  m.Number("attention.sliding_window", 100);
  m.Number("attention.shared_kv_layers", shared);
  m.Number("embedding_length_per_layer_input", extra);
  m.Number("attention.key_length", full_dim);
  m.Number("attention.value_length", full_dim);
  m.Number("attention.key_length_swa", m.shape.head_dim);
  m.Number("attention.value_length_swa", m.shape.head_dim);
  m.Number("rope.dimension_count", full_dim);
  m.Number("rope.dimension_count_swa", m.shape.head_dim);
  m.Set("rope.freq_base", 1000000.0f);
  m.Set("rope.freq_base_swa", 10000.0f);
  m.Set("final_logit_softcapping", 3.0f);
  m.Embedding(1.0f);
  if (extra > 0) {
    m.Matrix("per_layer_token_embd.weight", extra * layers, m.vocabulary, 2.0f);
    m.Matrix("per_layer_model_proj.weight", width, extra * layers, 8.0f);
    m.Norm("per_layer_proj_norm", extra);
  }
  std::vector<float> factors;
  for (uint64_t i = 0; i < full_dim / 2; ++i) factors.push_back(i < full_dim / 8 ? 1.0f : 1e30f);
  m.Values("rope_freqs.weight", factors);
  for (uint64_t layer = 0; layer < layers; ++layer) {
    const std::string in = m.Layer(layer);
    const uint64_t dim = windowed[layer] ? m.shape.head_dim : full_dim, kv = kv_heads[layer] * dim;
    m.Norm(in + "attn_norm", width);
    m.Matrix(in + "attn_q.weight", width, m.shape.heads * dim, 1.0f);
    m.Vector(in + "attn_q_norm.weight", dim, 0.3f, 0.05f);  // scores are not divided by anything
    if (layer + shared < layers) {
      m.Matrix(in + "attn_k.weight", width, kv, 1.0f);
      if (windowed[layer]) m.Matrix(in + "attn_v.weight", width, kv, 1.0f);
      m.Vector(in + "attn_k_norm.weight", dim, 0.3f, 0.05f);
    }
    m.Matrix(in + "attn_output.weight", m.shape.heads * dim, width, 2.0f);
    m.Norm(in + "post_attention_norm", width);
    m.Norm(in + "ffn_norm", width);
    m.Matrix(in + "ffn_gate.weight", width, feed_forward[layer], 1.0f);
    m.Matrix(in + "ffn_up.weight", width, feed_forward[layer], 1.0f);
    m.Matrix(in + "ffn_down.weight", feed_forward[layer], width, 3.0f);
    m.Norm(in + "post_ffw_norm", width);
    if (extra > 0) {
      m.Matrix(in + "inp_gate.weight", width, extra, 1.0f);
      m.Matrix(in + "proj.weight", extra, width, 1.0f);
      m.Norm(in + "post_norm", width);
      m.Values(in + "layer_output_scale.weight", {0.8f});
    }
  }
  m.Output();
}

}  // namespace

void DescribeGemma4(ModelMaker& m) { Describe(m, 0, 0); }
void DescribeGemma4Small(ModelMaker& m) { Describe(m, 256, 3); }

}  // namespace zell::test
