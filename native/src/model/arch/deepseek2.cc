// DeepSeek V2, V3 and R1, Kimi K2, GLM-4.7 Flash: keys and values of all heads from one compressed row, and experts.
#include "model/arch/arch.h"
#include "model/experts.h"
#include "model/latent_attention.h"

namespace zell::model {

base::Result<backend::Plan> BuildDeepseek2(const gguf::File& file, const BuildOptions& options) {
  DecoderReader r(file, options, "deepseek2");
  r.SkipDraftLayers();
  r.Rotate(false);
  UseLatentAttention(r);
  UseExperts(r, {.feed_forward = r.shape.feed_forward, .shared_feed_forward = SharedWidth(r)});
  if (r.Has("attention.temperature_scale")) {
    r.Fail(base::StatusCode::kUnsupportedModel, "deepseek2.attention.temperature_scale is not supported yet");
  }
  return r.Build();
}

}  // namespace zell::model
