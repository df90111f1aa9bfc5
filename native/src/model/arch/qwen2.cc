// Qwen2 and Qwen2.5, Coder included: Llama's shape with biases on Q, K and V, rotation of halves.
#include "model/arch/arch.h"

namespace zell::model {

base::Result<backend::Plan> BuildQwen2(const gguf::File& file, const BuildOptions& options) {
  DecoderReader r(file, options, "qwen2");
  r.traits.qkv_bias = true;
  r.Rotate(true);
  return r.Build();
}

}  // namespace zell::model
