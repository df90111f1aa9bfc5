// Architectures that differ from Llama by a trait or two: InternLM2, Seed-OSS, Arcee, ERNIE 4.5, Nemotron, Hunyuan,
// Qwen 1.
#include <cmath>

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

base::Result<backend::Plan> BuildHunyuanDense(const gguf::File& file, const BuildOptions& options) {
  DecoderReader r(file, options, "hunyuan-dense");
  r.traits.head_norms = HeadNorms::kEachHead;
  r.traits.norm_rotated = true;
  // Positions beyond the training length are reached by a larger base.
  const double alpha = r.F32("rope.scaling.alpha", 0, 0, 1e9), dims = r.shape.key_dim;
  if (alpha > 0 && dims > 2) r.shape.rope_base *= std::pow(alpha, dims / (dims - 2));
  r.Rotate(true);
  return r.Build();
}

base::Result<backend::Plan> BuildQwen(const gguf::File& file, const BuildOptions& options) {
  DecoderReader r(file, options, "qwen");
  r.traits.qkv_bias = true;
  r.shape.feed_forward /= 2;  // the files count gate and up together
  r.Rotate(true);
  return r.Build();
}

}  // namespace zell::model
