// OLMo 2 and 3: norms only after attention and MLP, and of Q and K as whole rows. OLMo 3 has windows in three of four
// layers, whose rotation is never scaled.
#include "model/arch/arch.h"

namespace zell::model {

base::Result<backend::Plan> BuildOlmo2(const gguf::File& file, const BuildOptions& options) {
  DecoderReader r(file, options, "olmo2");
  r.traits.pre_norms = false;
  r.traits.post_norms = true;
  r.traits.head_norms = HeadNorms::kWhole;
  r.ReadWindows(0, 4);
  r.Rotate(true);
  r.RotateWindows(r.F32("rope.freq_base_swa", static_cast<float>(r.shape.rope_base), 1, 1e12), false);
  return r.Build();
}

}  // namespace zell::model
