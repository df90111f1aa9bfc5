// Qwen2 and Qwen3, and the language models of their vision versions.
#include "models/models.h"

namespace zell::test {
namespace {

// Every pair belongs to one of three sections, which all turn by the position in a text.
void SetSections(ModelMaker& m) {
  const auto pairs = static_cast<int32_t>(m.shape.head_dim / 2);
  m.Set("rope.dimension_sections", std::vector<int32_t>{(pairs + 2) / 3, (pairs + 1) / 3, pairs / 3, 0});
}

}  // namespace

/// Qwen 1 counts gate and up together.
void DescribeQwen(ModelMaker& m) {
  m.Decoder({.qkv_bias = true, .fused_qkv = true});
  m.Number("feed_forward_length", 2 * m.shape.ffn);
}

void DescribeQwen2(ModelMaker& m) {
  m.Decoder({.qkv_bias = true});
  m.Set("rope.freq_base", 1000000.0f);
  m.Set("attention.layer_norm_rms_epsilon", 1e-6f);
}

void DescribeQwen2Yarn(ModelMaker& m) {
  DescribeQwen2(m);
  SetYarn(m);
}

void DescribeQwen2Vl(ModelMaker& m) {
  DescribeQwen2(m);
  SetSections(m);
}

void DescribeQwen3(ModelMaker& m) {
  m.Decoder({.head_norms = true});
  m.Set("rope.freq_base", 1000000.0f);
}

void DescribeQwen3Vl(ModelMaker& m) {
  DescribeQwen3(m);
  SetSections(m);
}

}  // namespace zell::test
