// Qwen3-30B-A3B and Qwen3-235B-A22B: Qwen3 with experts.
#include <algorithm>

#include "model/arch/arch.h"
#include "model/experts.h"

namespace zell::model {

base::Result<backend::Plan> BuildQwen3Moe(const gguf::File& file, const BuildOptions& options) {
  DecoderReader r(file, options, "qwen3moe");
  const uint32_t used = r.RequiredU32("expert_used_count", 1, 1 << 12);
  UseExperts(r, {.route = {.normalise = true}, .feed_forward = std::max(1u, r.shape.feed_forward / used)});
  r.traits.head_norms = HeadNorms::kEachHead;
  r.Rotate(true);
  return r.Build();
}

}  // namespace zell::model
