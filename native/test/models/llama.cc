// Llama and what is stored in its shape, with every scaling of positions.
#include <cmath>

#include "models/models.h"

namespace zell::test {

void DescribeLlama(ModelMaker& m) { m.Decoder({}); }

void DescribeLlamaBiases(ModelMaker& m) { m.Decoder({.qkv_bias = true, .output_bias = true, .mlp_bias = true}); }

void DescribeLlamaLinear(ModelMaker& m) {
  m.Decoder({});
  m.Set("rope.scaling.type", std::string("linear"));
  m.Set("rope.scaling.factor", 4.0f);
}

void DescribeLlamaFactors(ModelMaker& m) {
  m.Decoder({});
  std::vector<float> factors;
  for (uint64_t i = 0; i < m.shape.head_dim / 2; ++i) factors.push_back(i < 8 ? 1.0f : i < 16 ? 3.0f : 8.0f);
  m.Values("rope_freqs.weight", factors);
}

void SetYarn(ModelMaker& m) {
  m.Set("rope.scaling.type", std::string("yarn"));
  m.Set("rope.scaling.factor", 4.0f);
  m.Number("rope.scaling.original_context_length", 512);
}

void DescribeLlamaYarn(ModelMaker& m) {
  m.Decoder({});
  SetYarn(m);
}

void DescribeMistral3(ModelMaker& m) {
  m.Decoder({});
  SetYarn(m);
  m.Number("rope.scaling.original_context_length", 64);
  m.Set("rope.scaling.yarn_beta_fast", 4.0f);
  m.Set("rope.scaling.yarn_beta_slow", 1.0f);
  m.Set("rope.scaling.yarn_log_multiplier", 0.7f);
  m.Set("attention.temperature_scale", 0.3f);
}

}  // namespace zell::test
