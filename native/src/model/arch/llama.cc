// Llama 1 to 3 and what is stored in their shape: Mistral, SmolLM2, Yi, TinyLlama, Codestral; Mixtral too.
// Converters permute the rows of Q and K so that rotation pairs neighbours.
#include "model/arch/arch.h"
#include "model/experts.h"

namespace zell::model {

base::Result<backend::Plan> BuildLlama(const gguf::File& file, const BuildOptions& options) {
  DecoderReader r(file, options, "llama");
  // Mixtral. The key for an expert's width came later; before, it was that of the MLP.
  if (r.U32("expert_count", 0, 0, 1 << 16) > 0) {
    UseExperts(r, {.route = {.normalise = true}, .feed_forward = r.shape.feed_forward});
  }
  r.Rotate(false);
  return r.Build();
}

}  // namespace zell::model
