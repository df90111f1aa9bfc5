// gpt-oss: sinks, windows, yarn, biases.
#include "models/models.h"

namespace zell::test {

void DescribeGptOss(ModelMaker& m) {
  m.DecoderMetadata();
  m.ExpertMetadata();
  SetYarn(m);
  m.Number("rope.scaling.original_context_length", 128);
  m.Number("attention.sliding_window", 48);
  m.Embedding();
  for (uint64_t layer = 0; layer < m.shape.layers; ++layer) {
    const std::string in = m.Layer(layer);
    m.Norm(in + "attn_norm", m.shape.width);
    m.Attention(in, true, true);
    m.Vector(in + "attn_sinks.weight", m.shape.heads, 1.0f, 2.0f);
    m.Norm(in + "post_attention_norm", m.shape.width);
    m.Experts(in, true);
  }
  m.Output();
}

}  // namespace zell::test
