// Models whose norms lie elsewhere than Llama's: OLMo 2 and 3, EXAONE 4, GLM-4, StableLM, Seed-OSS.
#include "models/models.h"

namespace zell::test {

void DescribeOlmo2(ModelMaker& m) {
  m.Decoder({.attention_norm = nullptr, .mlp_norm = nullptr, .post_norms = true, .whole_norms = true});
}

void DescribeOlmo3(ModelMaker& m) {
  DescribeOlmo2(m);
  m.Number("attention.sliding_window", 100);
  SetYarn(m);
}

void DescribeExaone4(ModelMaker& m) {
  m.Decoder({.attention_norm = nullptr, .mlp_norm = nullptr, .post_norms = true, .head_norms = true});
}

void DescribeGlm4(ModelMaker& m) {
  m.Decoder({.post_norms = true, .qkv_bias = true, .fused_gate = true});
  m.Number("rope.dimension_count", m.shape.head_dim / 2);
}

void DescribeChatGlm(ModelMaker& m) {
  m.Decoder({.qkv_bias = true, .fused_gate = true});
  m.Number("rope.dimension_count", m.shape.head_dim / 2);
}

/// Norms of heads come after their rotation.
void DescribeHunyuan(ModelMaker& m) {
  m.Decoder({.head_norms = true});
  m.Set("rope.scaling.alpha", 100.0f);
}

void DescribeStableLm(ModelMaker& m) {
  m.Decoder({.norm_bias = true, .layer_norm = true, .qkv_bias = true});
  m.Number("rope.dimension_count", m.shape.head_dim / 4);
}

void DescribeStableLm12(ModelMaker& m) {
  m.Decoder({.mlp_norm = nullptr, .norm_bias = true, .layer_norm = true, .own_norms = true});
  m.Number("rope.dimension_count", m.shape.head_dim / 4);
}

void DescribeSeedOss(ModelMaker& m) { m.Decoder({.mlp_norm = "post_attention_norm", .qkv_bias = true}); }

}  // namespace zell::test
