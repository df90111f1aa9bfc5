// Qwen2: biases on Q, K and V.
#include "models/models.h"

namespace zell::test {

void DescribeQwen2(ModelMaker& m) {
  m.DecoderMetadata();
  m.Set("rope.freq_base", 1000000.0f);
  m.Set("attention.layer_norm_rms_epsilon", 1e-6f);
  m.Embedding();
  for (uint64_t layer = 0; layer < m.shape.layers; ++layer) {
    const std::string in = m.Layer(layer);
    m.Norm(in + "attn_norm", m.shape.width);
    m.Attention(in, true);
    m.Norm(in + "ffn_norm", m.shape.width);
    m.GatedMlp(in);
  }
  m.Output();
}

}  // namespace zell::test
