// Models that read and do not write: BERT, Nomic's BERT.
#include "models/models.h"

namespace zell::test {
namespace {

void DescribeEncoder(ModelMaker& m, bool gated) {
  m.DecoderMetadata();
  m.Set("attention.layer_norm_epsilon", 1e-12f);
  m.Set("attention.causal", false);
  m.Number("pooling_type", 1);
  m.SetAny("tokenizer.ggml.token_type_count", uint32_t{2});
  m.Embedding(1.0f);
  m.FloatMatrix("token_types.weight", m.shape.width, 2, 0.3f);
  if (!gated) m.FloatMatrix("position_embd.weight", m.shape.width, m.shape.context, 0.5f);
  m.Norm("token_embd_norm", m.shape.width, true);
  for (uint64_t layer = 0; layer < m.shape.layers; ++layer) {
    const std::string in = ModelMaker::Layer(layer);
    if (gated) {
      m.FusedAttention(in);
      m.GatedMlp(in);
    } else {
      m.Attention(in, true, true);
      m.PlainMlp(in, true);
    }
    m.Norm(in + "attn_output_norm", m.shape.width, true);
    m.Norm(in + "layer_output_norm", m.shape.width, true);
  }
}

}  // namespace

void DescribeBert(ModelMaker& m) { DescribeEncoder(m, false); }
void DescribeNomicBert(ModelMaker& m) { DescribeEncoder(m, true); }

}  // namespace zell::test
