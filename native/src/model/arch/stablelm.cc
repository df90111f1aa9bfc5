// StableLM: layer norms, part of each head rotates. StableLM 2 12B norms its heads and has attention and MLP side by
// side.
#include "model/arch/arch.h"

namespace zell::model {

base::Result<backend::Plan> BuildStableLm(const gguf::File& file, const BuildOptions& options) {
  DecoderReader r(file, options, "stablelm", NormKind::kLayer);
  r.traits.norm_bias = true;
  r.traits.parallel = !r.HasTensor("blk.0.ffn_norm.weight");
  if (r.HasTensor("blk.0.attn_q_norm.weight")) r.traits.head_norms = HeadNorms::kEachHeadOwn;
  r.Rotate(true);
  return r.Build();
}

}  // namespace zell::model
