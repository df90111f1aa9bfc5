// Architectures that differ from Llama by a trait or two: InternLM2, Seed-OSS, Arcee, ERNIE 4.5, Nemotron.
#include "model/arch/arch.h"

namespace zell::model {

base::Result<backend::Plan> BuildInternLm2(const gguf::File& file, const BuildOptions& options) {
  DecoderReader r(file, options, "internlm2");
  r.Rotate(false);
  return r.Build();
}

base::Result<backend::Plan> BuildSeedOss(const gguf::File& file, const BuildOptions& options) {
  DecoderReader r(file, options, "seed_oss");
  r.traits.mlp_norm = "post_attention_norm";
  r.Rotate(true);
  return r.Build();
}

base::Result<backend::Plan> BuildArcee(const gguf::File& file, const BuildOptions& options) {
  DecoderReader r(file, options, "arcee");
  r.traits.mlp = MlpKind::kPlain;
  r.traits.activation = backend::Activation::kReluSquared;
  r.Rotate(false);
  return r.Build();
}

base::Result<backend::Plan> BuildErnie45(const gguf::File& file, const BuildOptions& options) {
  DecoderReader r(file, options, "ernie4_5");
  r.Rotate(false);
  return r.Build();
}

base::Result<backend::Plan> BuildNemotron(const gguf::File& file, const BuildOptions& options) {
  DecoderReader r(file, options, "nemotron", NormKind::kLayer);
  r.traits.norm_bias = true;
  r.traits.mlp = MlpKind::kPlain;
  r.traits.activation = backend::Activation::kReluSquared;
  r.Rotate(true);
  return r.Build();
}

}  // namespace zell::model
