// Phi-3.5-MoE: Phi-3 with experts; norms and the output have biases.
#include "model/arch/arch.h"
#include "model/experts.h"

namespace zell::model {

base::Result<backend::Plan> BuildPhiMoe(const gguf::File& file, const BuildOptions& options) {
  DecoderReader r(file, options, "phimoe");
  UseExperts(r, {.route = {.normalise = true}, .feed_forward = r.shape.feed_forward});
  r.traits.norm_bias = true;
  r.Rotate(true);
  return r.Build();
}

}  // namespace zell::model
