// Qwen3: each head of Q and K is normed before it rotates. The language model of Qwen3-VL is the same for text.
#include "model/arch/arch.h"

namespace zell::model {
namespace {

base::Result<backend::Plan> Build(const gguf::File& file, const BuildOptions& options, const char* name) {
  DecoderReader r(file, options, name);
  r.traits.head_norms = HeadNorms::kEachHead;
  r.Rotate(true);
  return r.Build();
}

}  // namespace

base::Result<backend::Plan> BuildQwen3(const gguf::File& file, const BuildOptions& options) {
  return Build(file, options, "qwen3");
}
base::Result<backend::Plan> BuildQwen3Vl(const gguf::File& file, const BuildOptions& options) {
  return Build(file, options, "qwen3vl");
}

}  // namespace zell::model
