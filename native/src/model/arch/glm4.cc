// GLM-4: half of each head rotates, gate and up in one matrix; the 2024 models (chatglm, ChatGLM3 too) have Llama's
// norms, the later ones (glm4) norms after attention and MLP as well.
#include "model/arch/arch.h"

namespace zell::model {

base::Result<backend::Plan> BuildChatGlm(const gguf::File& file, const BuildOptions& options) {
  DecoderReader r(file, options, "chatglm");
  r.traits.mlp = MlpKind::kFusedGate;
  r.Rotate(false);
  return r.Build();
}

base::Result<backend::Plan> BuildGlm4(const gguf::File& file, const BuildOptions& options) {
  DecoderReader r(file, options, "glm4");
  r.traits.post_norms = true;
  r.traits.mlp = MlpKind::kFusedGate;
  r.SkipDraftLayers();
  r.Rotate(false);
  return r.Build();
}

}  // namespace zell::model
