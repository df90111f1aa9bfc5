// Qwen2 and Qwen2.5, Coder included: Llama's shape with biases on Q, K and V, rotation of halves.
#include "model/arch/arch.h"
#include "model/decoder.h"

namespace zell::model {

base::Result<backend::Plan> BuildQwen2(const gguf::File& file) {
  return BuildDecoderPlan(file, Metadata(file, "qwen2"), {.rope_split_halves = true, .qkv_bias = true});
}

}  // namespace zell::model
