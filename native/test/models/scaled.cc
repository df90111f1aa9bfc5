// Models that scale embeddings, layers, scores or logits: Granite, MiniCPM, Command R.
#include "models/models.h"

namespace zell::test {

void DescribeGranite(ModelMaker& m) {
  m.Decoder({.embedding_scale = 1.0f});
  m.Set("embedding_scale", 12.0f);
  m.Set("residual_scale", 0.4f);
  m.Set("attention.scale", 0.1f);
  m.Set("logit_scale", 0.5f);
}

void DescribeGraniteUnrotated(ModelMaker& m) {
  DescribeGranite(m);
  m.Set("rope.scaling.finetuned", false);
}

void DescribeMiniCpm(ModelMaker& m) {
  m.Decoder({.embedding_scale = 1.0f});
  m.Set("embedding_scale", 6.0f);
  m.Set("residual_scale", 0.7f);
  m.Set("logit_scale", 0.6f);
}

void DescribeCommandR(ModelMaker& m) {
  m.Decoder({.mlp_norm = nullptr, .layer_norm = true});
  m.Set("logit_scale", 0.6f);
}

void DescribeCohere2(ModelMaker& m) {
  DescribeCommandR(m);
  m.Number("attention.sliding_window", 100);
}

}  // namespace zell::test
