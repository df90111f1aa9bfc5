// OLMoE: queries and keys are normed as whole rows.
#include "model/arch/arch.h"
#include "model/experts.h"

namespace zell::model {

base::Result<backend::Plan> BuildOlmoe(const gguf::File& file, const BuildOptions& options) {
  DecoderReader r(file, options, "olmoe");
  UseExperts(r, {.feed_forward = r.shape.feed_forward});
  r.traits.head_norms = HeadNorms::kWhole;
  r.Rotate(true);
  return r.Build();
}

}  // namespace zell::model
