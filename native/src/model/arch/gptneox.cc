// GPT-NeoX, Pythia and Falcon: layer norms, Q, K, V in one matrix, a plain MLP with GELU beside or behind attention.
#include "model/arch/arch.h"

namespace zell::model {

base::Result<backend::Plan> BuildGptNeoX(const gguf::File& file, const BuildOptions& options) {
  DecoderReader r(file, options, "gptneox", NormKind::kLayer);
  r.traits.all_biases = true;
  r.traits.mlp = MlpKind::kPlain;
  r.traits.activation = backend::Activation::kGelu;
  r.traits.parallel = r.Bool("use_parallel_residual", true);
  r.Rotate(true);
  return r.Build();
}

base::Result<backend::Plan> BuildFalcon(const gguf::File& file, const BuildOptions& options) {
  DecoderReader r(file, options, "falcon", NormKind::kLayer);
  r.traits.norm_bias = true;
  r.traits.mlp = MlpKind::kPlain;
  r.traits.activation = backend::Activation::kGelu;
  r.traits.parallel = true;
  // The 40B model norms the state twice, for attention and for the MLP.
  if (r.HasTensor("blk.0.attn_norm_2.weight")) {
    r.traits.attention_norm = "attn_norm_2";
    r.traits.mlp_norm = "attn_norm";
  }
  r.Rotate(true);
  return r.Build();
}

}  // namespace zell::model
