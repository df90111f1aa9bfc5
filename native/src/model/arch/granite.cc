// Granite and MiniCPM: Llama's shape with scaled embeddings, layers, scores and logits.
#include <cmath>

#include "model/arch/arch.h"

namespace zell::model {
namespace {

constexpr double kLeast = 1e-6, kMost = 1e6;

/// 0 in a file stands for no scale.
float ScaleOr1(DecoderReader& r, const char* key) {
  const float scale = r.F32(key, 0, 0, kMost);
  return scale == 0 ? 1.0f : scale;
}

}  // namespace

base::Result<backend::Plan> BuildGranite(const gguf::File& file, const BuildOptions& options) {
  DecoderReader r(file, options, "granite");
  r.RefuseExperts();
  r.traits.logit_scale = 1.0f / r.RequiredF32("logit_scale", kLeast, kMost);
  r.traits.residual_scale = ScaleOr1(r, "residual_scale");
  r.traits.embedding_scale = ScaleOr1(r, "embedding_scale");
  r.traits.attention_scale = r.F32("attention.scale", 0, 0, kMost);
  if (r.Bool("rope.scaling.finetuned", true)) r.Rotate(false);
  return r.Build();
}

base::Result<backend::Plan> BuildMiniCpm(const gguf::File& file, const BuildOptions& options) {
  DecoderReader r(file, options, "minicpm");
  r.RefuseExperts();
  // Older files name no scales; these are the published models' own.
  const float layers = static_cast<float>(r.shape.layers > 0 ? r.shape.layers : 1);
  r.traits.embedding_scale = r.F32("embedding_scale", 12, kLeast, kMost);
  r.traits.residual_scale = r.F32("residual_scale", 1.4f / std::sqrt(layers), kLeast, kMost);
  r.traits.logit_scale = 1.0f / r.F32("logit_scale", static_cast<float>(r.shape.embedding) / 256.0f, kLeast, kMost);
  r.Rotate(false);
  return r.Build();
}

}  // namespace zell::model
