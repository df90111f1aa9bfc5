// gpt-oss 20b and 120b: sinks, a window in every other layer, yarn, biases everywhere, experts with clamped gates.
#include "model/arch/arch.h"
#include "model/experts.h"

namespace zell::model {

base::Result<backend::Plan> BuildGptOss(const gguf::File& file, const BuildOptions& options) {
  DecoderReader r(file, options, "gpt-oss");
  UseExperts(r, {.route = {.gating = backend::Gating::kSoftmaxOfChosen},
                 .feed_forward = r.shape.feed_forward,
                 .gate_limit = 7.0f});
  r.traits.mlp_norm = "post_attention_norm";
  r.ReadWindows(0, 2);
  r.Rotate(true);
  return r.Build();
}

}  // namespace zell::model
