// StarCoder2: layer norms, biases everywhere, a plain MLP with GELU.
#include "model/arch/arch.h"

namespace zell::model {

base::Result<backend::Plan> BuildStarcoder2(const gguf::File& file, const BuildOptions& options) {
  DecoderReader r(file, options, "starcoder2", NormKind::kLayer);
  r.traits.all_biases = true;
  r.traits.mlp = MlpKind::kPlain;
  r.traits.activation = backend::Activation::kGelu;
  r.Rotate(true);
  return r.Build();
}

}  // namespace zell::model
