// Ling Lite and Plus (Bailing MoE).
#include "model/arch/arch.h"
#include "model/experts.h"

namespace zell::model {

base::Result<backend::Plan> BuildBailingMoe(const gguf::File& file, const BuildOptions& options) {
  DecoderReader r(file, options, "bailingmoe");
  UseExperts(r, {.feed_forward = r.shape.feed_forward, .shared_feed_forward = SharedWidth(r)});
  r.Rotate(false);
  return r.Build();
}

}  // namespace zell::model
