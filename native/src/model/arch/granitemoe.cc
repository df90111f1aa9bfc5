// Granite 3 MoE: Llama with factors on embedding, residuals, attention and logits.
#include "model/arch/arch.h"
#include "model/experts.h"

namespace zell::model {

base::Result<backend::Plan> BuildGraniteMoe(const gguf::File& file, const BuildOptions& options) {
  DecoderReader r(file, options, "granitemoe");
  UseExperts(r, {.route = {.normalise = true}, .feed_forward = r.shape.feed_forward});
  r.traits.embedding_scale = r.F32("embedding_scale", 1, 1e-6, 1e6);
  r.traits.residual_scale = r.F32("residual_scale", 1, 1e-6, 1e6);
  r.traits.attention_scale = r.F32("attention.scale", 0, 0, 1e3);
  r.traits.logit_scale = 1.0f / r.RequiredF32("logit_scale", 1e-6, 1e6);
  r.Rotate(false);
  return r.Build();
}

}  // namespace zell::model
