// DeepSeek-MoE 16B: Llama with leading dense layers, many narrow experts and shared ones.
#include "model/arch/arch.h"
#include "model/experts.h"

namespace zell::model {

base::Result<backend::Plan> BuildDeepseek(const gguf::File& file, const BuildOptions& options) {
  DecoderReader r(file, options, "deepseek");
  UseExperts(r, {.feed_forward = r.shape.feed_forward, .shared_feed_forward = SharedWidth(r)});
  r.traits.attention_scale = r.F32("attention.scale", 0, 0, 1e3);
  r.Rotate(false);
  return r.Build();
}

}  // namespace zell::model
