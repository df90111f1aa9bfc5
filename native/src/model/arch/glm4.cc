// GLM-4: norms before and after attention and MLP, half of each head rotates, gate and up in one matrix.
#include "model/arch/arch.h"

namespace zell::model {

base::Result<backend::Plan> BuildGlm4(const gguf::File& file, const BuildOptions& options) {
  DecoderReader r(file, options, "glm4");
  r.traits.post_norms = true;
  r.traits.mlp = MlpKind::kFusedGate;
  r.SkipDraftLayers();
  r.Rotate(false);
  return r.Build();
}

}  // namespace zell::model
