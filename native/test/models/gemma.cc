// Gemma 1 to 3. Caps and windows are smaller than real ones, so that they show.
#include "models/models.h"

namespace zell::test {

void DescribeGemma(ModelMaker& m) { m.Decoder({.embedding_scale = 1.0f}); }

void DescribeGemma2(ModelMaker& m) {
  m.Decoder({.post_norms = true, .embedding_scale = 1.0f});
  m.Number("attention.sliding_window", 100);
  m.Set("attn_logit_softcapping", 2.0f);
  m.Set("final_logit_softcapping", 3.0f);
}

void DescribeGemma3(ModelMaker& m) {
  m.Decoder({.post_norms = true, .head_norms = true, .embedding_scale = 1.0f});
  m.Set("rope.freq_base", 1000000.0f);
  m.Number("attention.sliding_window", 70);
  m.Set("rope.scaling.type", std::string("linear"));
  m.Set("rope.scaling.factor", 8.0f);
}

}  // namespace zell::test
