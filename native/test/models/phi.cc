// Phi-2, Phi-3 and its long versions.
#include "models/models.h"

namespace zell::test {

void DescribePhi2(ModelMaker& m) {
  m.Decoder({.mlp_norm = nullptr,
             .norm_bias = true,
             .layer_norm = true,
             .qkv_bias = true,
             .output_bias = true,
             .mlp_bias = true,
             .fused_qkv = true,
             .plain_mlp = true});
  m.Vector("output.bias", m.vocabulary, 0.0f, 0.5f);
  m.Number("rope.dimension_count", m.shape.head_dim / 2);
}

void DescribePhi3(ModelMaker& m) {
  m.Decoder({.fused_qkv = true, .fused_gate = true});
  m.Number("attention.sliding_window", 100);
}

namespace {

void SetLongRope(ModelMaker& m, uint64_t original_context) {
  DescribePhi3(m);
  m.Set("rope.scaling.type", std::string("longrope"));
  m.Number("rope.scaling.original_context_length", original_context);
  m.Set("rope.scaling.attn_factor", 1.19f);
  std::vector<float> slow, fast;
  for (uint64_t i = 0; i < m.shape.head_dim / 2; ++i) {
    slow.push_back(1.0f + 0.5f * static_cast<float>(i));
    fast.push_back(1.0f + 0.02f * static_cast<float>(i));
  }
  m.Values("rope_factors_long.weight", slow);
  m.Values("rope_factors_short.weight", fast);
}

}  // namespace

void DescribePhi3Long(ModelMaker& m) { SetLongRope(m, 256); }
void DescribePhi3Short(ModelMaker& m) { SetLongRope(m, 512); }

}  // namespace zell::test
