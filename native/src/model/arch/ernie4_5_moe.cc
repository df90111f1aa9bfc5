// ERNIE 4.5 with experts.
#include "model/arch/arch.h"
#include "model/experts.h"

namespace zell::model {

base::Result<backend::Plan> BuildErnie45Moe(const gguf::File& file, const BuildOptions& options) {
  DecoderReader r(file, options, "ernie4_5-moe");
  UseExperts(r, {.route = {.normalise = true},
                 .feed_forward = r.shape.feed_forward,
                 .step = r.RequiredU32("interleave_moe_layer_step", 1, 1024)});
  r.Rotate(false);
  return r.Build();
}

}  // namespace zell::model
