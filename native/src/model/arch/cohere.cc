// Command R and R7B: layer norms without bias, attention and MLP side by side on one norm, scaled logits. R7B (cohere2)
// has windows in three of four layers, and only those rotate.
#include "model/arch/arch.h"

namespace zell::model {
namespace {

void SetCohere(DecoderReader& r) {
  r.traits.parallel = true;
  const float scale = r.F32("logit_scale", 0, 0, 1e6);
  r.traits.logit_scale = scale == 0 ? 1.0f : scale;
  r.Rotate(false);
}

}  // namespace

base::Result<backend::Plan> BuildCommandR(const gguf::File& file, const BuildOptions& options) {
  DecoderReader r(file, options, "command-r", NormKind::kLayer);
  SetCohere(r);
  if (r.HasTensor("blk.0.attn_q_norm.weight")) r.traits.head_norms = HeadNorms::kEachHeadOwn;
  return r.Build();
}

base::Result<backend::Plan> BuildCohere2(const gguf::File& file, const BuildOptions& options) {
  DecoderReader r(file, options, "cohere2", NormKind::kLayer);
  SetCohere(r);
  r.RequiredU32("attention.sliding_window", 1, 1u << 26);
  r.ReadWindows(0, 4);
  r.traits.unrotated = r.traits.windowed;
  r.traits.unrotated.flip();
  return r.Build();
}

}  // namespace zell::model
