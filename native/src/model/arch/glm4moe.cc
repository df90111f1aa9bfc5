// GLM-4.5 and 4.6: experts chosen as in DeepSeek-V3, rotation of half a head, layers for prediction left out.
#include "model/arch/arch.h"
#include "model/experts.h"

namespace zell::model {

base::Result<backend::Plan> BuildGlm4Moe(const gguf::File& file, const BuildOptions& options) {
  DecoderReader r(file, options, "glm4moe");
  r.SkipDraftLayers();
  UseExperts(r, {.route = {.gating = backend::Gating::kSigmoid},
                 .feed_forward = r.shape.feed_forward,
                 .shared_feed_forward = SharedWidth(r),
                 .selection_bias = true});
  if (r.HasTensor("blk.0.attn_q_norm.weight")) r.traits.head_norms = HeadNorms::kEachHead;
  r.traits.mlp_norm = "post_attention_norm";
  r.Rotate(true);
  return r.Build();
}

}  // namespace zell::model
