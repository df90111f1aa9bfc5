// dots.llm1: Qwen3 attention, experts chosen as in DeepSeek-V3.
#include "model/arch/arch.h"
#include "model/experts.h"

namespace zell::model {

base::Result<backend::Plan> BuildDots1(const gguf::File& file, const BuildOptions& options) {
  DecoderReader r(file, options, "dots1");
  UseExperts(r, {.feed_forward = r.shape.feed_forward, .shared_feed_forward = SharedWidth(r)});
  r.traits.head_norms = HeadNorms::kEachHead;
  r.Rotate(true);
  return r.Build();
}

}  // namespace zell::model
