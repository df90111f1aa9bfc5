// Qwen1.5-MoE and Qwen2-57B-A14B: Qwen2 with experts and one gated shared expert.
#include <algorithm>

#include "model/arch/arch.h"
#include "model/experts.h"

namespace zell::model {

base::Result<backend::Plan> BuildQwen2Moe(const gguf::File& file, const BuildOptions& options) {
  DecoderReader r(file, options, "qwen2moe");
  const uint32_t used = r.RequiredU32("expert_used_count", 1, 1 << 12);
  UseExperts(r, {.feed_forward = std::max(1u, r.shape.feed_forward / used),
                 .shared_feed_forward = r.shape.feed_forward,
                 .shared_gate = true});
  r.Rotate(true);
  return r.Build();
}

}  // namespace zell::model
