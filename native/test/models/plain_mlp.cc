// Models whose MLP has no gate: StarCoder2, GPT-NeoX, Falcon, Nemotron, Arcee.
#include "models/models.h"

namespace zell::test {
namespace {

constexpr DecoderParts kBiases = {
    .norm_bias = true, .layer_norm = true, .qkv_bias = true, .output_bias = true, .mlp_bias = true, .plain_mlp = true};

}  // namespace

void DescribeStarcoder2(ModelMaker& m) { m.Decoder(kBiases); }

void DescribeGptNeoX(ModelMaker& m) {
  DecoderParts parts = kBiases;
  parts.fused_qkv = true;
  m.Decoder(parts);
  m.Number("rope.dimension_count", m.shape.head_dim / 4);
  m.Set("use_parallel_residual", true);
}

void DescribeGptNeoXSerial(ModelMaker& m) {
  DescribeGptNeoX(m);
  m.Set("use_parallel_residual", false);
}

void DescribeFalcon(ModelMaker& m) {
  m.Decoder({.mlp_norm = nullptr, .norm_bias = true, .layer_norm = true, .fused_qkv = true, .plain_mlp = true});
}

void DescribeFalcon40(ModelMaker& m) {
  m.Decoder({.mlp_norm = "attn_norm_2", .norm_bias = true, .layer_norm = true, .fused_qkv = true, .plain_mlp = true});
}

void DescribeNemotron(ModelMaker& m) {
  m.Decoder({.norm_bias = true, .layer_norm = true, .plain_mlp = true});
  m.Number("rope.dimension_count", m.shape.head_dim / 2);
}

void DescribeArcee(ModelMaker& m) { m.Decoder({.plain_mlp = true}); }

}  // namespace zell::test
