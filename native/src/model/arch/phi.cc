// Phi-2: attention and a plain MLP side by side, biases everywhere, half of each head rotates. Phi-3 and Phi-4: Llama's
// shape with Q, K, V in one matrix and gate and up in another; their long versions rotate by longrope.
#include "model/arch/arch.h"

namespace zell::model {

base::Result<backend::Plan> BuildPhi2(const gguf::File& file, const BuildOptions& options) {
  DecoderReader r(file, options, "phi2", NormKind::kLayer);
  r.traits.parallel = true;
  r.traits.all_biases = true;
  r.traits.mlp = MlpKind::kPlain;
  r.traits.activation = backend::Activation::kGelu;
  r.Rotate(true);
  return r.Build();
}

/// Files of Phi-3 name a window (phi3.attention.sliding_window); like the usual engines, Zell attends to all tokens.
base::Result<backend::Plan> BuildPhi3(const gguf::File& file, const BuildOptions& options) {
  DecoderReader r(file, options, "phi3");
  r.traits.mlp = MlpKind::kFusedGate;
  r.Rotate(true);
  return r.Build();
}

}  // namespace zell::model
