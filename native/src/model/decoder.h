// The plan that Llama and its many relatives share: pre-norm attention with rotation, then a gated MLP.
#pragma once

#include "model/plan_builder.h"

namespace zell::model {

/// Where relatives differ.
struct DecoderTraits {
  bool rope_split_halves = false;  ///< NeoX pairs rather than neighbours
  bool qkv_bias = false;           ///< biases of Q, K and V must be there; else they are used when present
};

/// Emits the whole plan for a file with the usual GGUF tensor names.
base::Result<backend::Plan> BuildDecoderPlan(const gguf::File& file, const Metadata& metadata,
                                             const DecoderTraits& traits);

}  // namespace zell::model
