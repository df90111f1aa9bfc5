// SmolLM3: Llama's shape; every fourth layer does not rotate.
#include "model/arch/arch.h"

namespace zell::model {

base::Result<backend::Plan> BuildSmolLm3(const gguf::File& file, const BuildOptions& options) {
  DecoderReader r(file, options, "smollm3");
  for (uint32_t layer = 0; layer < r.shape.layers; ++layer) r.traits.unrotated.push_back(layer % 4 == 3);
  r.Rotate(false);
  return r.Build();
}

}  // namespace zell::model
