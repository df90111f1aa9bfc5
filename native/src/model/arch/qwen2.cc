// Qwen2 and Qwen2.5, Coder included: Llama's shape with biases on Q, K and V, rotation of halves. The language model of
// Qwen2-VL is the same: the sections of its rotation all turn by the position in a text.
#include "model/arch/arch.h"

namespace zell::model {
namespace {

base::Result<backend::Plan> Build(const gguf::File& file, const BuildOptions& options, const char* name) {
  DecoderReader r(file, options, name);
  r.traits.qkv_bias = true;
  r.Rotate(true);
  return r.Build();
}

}  // namespace

base::Result<backend::Plan> BuildQwen2(const gguf::File& file, const BuildOptions& options) {
  return Build(file, options, "qwen2");
}
base::Result<backend::Plan> BuildQwen2Vl(const gguf::File& file, const BuildOptions& options) {
  return Build(file, options, "qwen2vl");
}

}  // namespace zell::model
