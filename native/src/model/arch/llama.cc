// Llama 1 to 3 and what is stored in their shape: Mistral, SmolLM2, Yi, TinyLlama, Codestral.
// Converters permute the rows of Q and K so that rotation pairs neighbours.
#include "model/arch/arch.h"

namespace zell::model {

base::Result<backend::Plan> BuildLlama(const gguf::File& file, const BuildOptions& options) {
  DecoderReader r(file, options, "llama");
  if (const uint32_t experts = r.U32("expert_count", 0, 0, 1 << 16); experts > 0) {
    r.Fail(base::StatusCode::kUnsupportedModel, "this llama model is a mixture of " + std::to_string(experts) +
                                                    " experts (llama.expert_count), which is not supported yet");
  }
  r.traits.attention_scale = r.F32("attention.scale", 0, 0, 1e3);
  r.Rotate(false);
  return r.Build();
}

}  // namespace zell::model
