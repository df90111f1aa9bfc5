// Mistral 3, Ministral and Devstral files that name themselves mistral3: Llama's shape with yarn, and queries that grow
// with their position.
#include "model/arch/arch.h"

namespace zell::model {

base::Result<backend::Plan> BuildMistral3(const gguf::File& file, const BuildOptions& options) {
  DecoderReader r(file, options, "mistral3");
  r.RefuseExperts();
  r.Rotate(false);
  r.traits.query_growth = r.F32("attention.temperature_scale", 0, -10, 10);
  r.traits.query_growth_step =
      r.U32("rope.scaling.original_context_length", r.shape.context > 0 ? r.shape.context : 1, 1, 1u << 26);
  return r.Build();
}

}  // namespace zell::model
