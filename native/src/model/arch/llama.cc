// Llama 1 to 3 and what is stored in their shape: Mistral, SmolLM2, Yi, TinyLlama, Codestral.
// Converters permute the rows of Q and K so that rotation pairs neighbours.
#include "model/arch/arch.h"
#include "model/decoder.h"

namespace zell::model {

base::Result<backend::Plan> BuildLlama(const gguf::File& file) {
  const Metadata metadata(file, "llama");
  base::Result<uint32_t> experts = metadata.U32Or("expert_count", 0, 0, 1 << 16);
  if (!experts.ok()) return experts.status();
  if (*experts > 0) {
    return base::Status{base::StatusCode::kUnsupportedModel,
                        "this llama model is a mixture of " + std::to_string(*experts) +
                            " experts (llama.expert_count), which is not supported yet"};
  }
  return BuildDecoderPlan(file, metadata, {.rope_split_halves = false, .qkv_bias = false});
}

}  // namespace zell::model
