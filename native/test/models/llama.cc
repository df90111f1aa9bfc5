// Llama and what is stored in its shape.
#include "models/models.h"

namespace zell::test {

void DescribeLlama(ModelMaker& m) {
  m.DecoderMetadata();
  m.Embedding();
  for (uint64_t layer = 0; layer < m.shape.layers; ++layer) {
    const std::string in = m.Layer(layer);
    m.Norm(in + "attn_norm", m.shape.width);
    m.Attention(in);
    m.Norm(in + "ffn_norm", m.shape.width);
    m.GatedMlp(in);
  }
  m.Output();
}

}  // namespace zell::test
