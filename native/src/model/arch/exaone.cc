// EXAONE 3: Llama's shape, rotation of halves. EXAONE 4: norms only after attention and MLP, normed heads; the large
// one has windows in three of four layers, and only those rotate.
#include "model/arch/arch.h"

namespace zell::model {

base::Result<backend::Plan> BuildExaone(const gguf::File& file, const BuildOptions& options) {
  DecoderReader r(file, options, "exaone");
  r.Rotate(true);
  return r.Build();
}

base::Result<backend::Plan> BuildExaone4(const gguf::File& file, const BuildOptions& options) {
  DecoderReader r(file, options, "exaone4");
  r.traits.pre_norms = false;
  r.traits.post_norms = true;
  r.traits.head_norms = HeadNorms::kEachHead;
  r.SkipDraftLayers();
  r.Rotate(true);
  if (r.shape.layers == 64) {
    r.ReadWindows(4096, 4);
    r.traits.unrotated = r.traits.windowed;
    r.traits.unrotated.flip();
    r.RotateWindows(r.F32("rope.freq_base_swa", static_cast<float>(r.shape.rope_base), 1, 1e12), true);
  }
  return r.Build();
}

}  // namespace zell::model
