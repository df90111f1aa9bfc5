// Gemma 1 to 3: scaled embeddings, GELU gates; from 2 on norms after attention and MLP, windows, caps (2) or norms of
// heads and another rotation in windows (3). Converters add the 1 that Gemma's norms multiply with.
#include <cmath>

#include "model/arch/arch.h"

namespace zell::model {
namespace {

void SetGemma(DecoderReader& r) {
  r.traits.activation = backend::Activation::kGelu;
  r.traits.embedding_scale = std::sqrt(static_cast<float>(r.shape.embedding));
}

/// The 27B models scale scores by the width per head, which is not their heads' size.
void ScaleByWidth(DecoderReader& r) {
  if (r.shape.heads == 0) return;
  r.traits.attention_scale = 1.0f / std::sqrt(static_cast<float>(r.shape.embedding / r.shape.heads));
}

}  // namespace

base::Result<backend::Plan> BuildGemma(const gguf::File& file, const BuildOptions& options) {
  DecoderReader r(file, options, "gemma");
  SetGemma(r);
  r.Rotate(true);
  return r.Build();
}

base::Result<backend::Plan> BuildGemma2(const gguf::File& file, const BuildOptions& options) {
  DecoderReader r(file, options, "gemma2");
  SetGemma(r);
  if (r.shape.layers == 46) ScaleByWidth(r);
  r.traits.post_norms = true;
  r.traits.attention_soft_cap = r.F32("attn_logit_softcapping", 50, 1e-3, 1e6);
  r.traits.logit_soft_cap = r.F32("final_logit_softcapping", 30, 1e-3, 1e6);
  r.ReadWindows(4096, 2);
  r.Rotate(true);
  r.RotateWindows(r.F32("rope.freq_base_swa", static_cast<float>(r.shape.rope_base), 1, 1e12), true);
  return r.Build();
}

base::Result<backend::Plan> BuildGemma3(const gguf::File& file, const BuildOptions& options) {
  DecoderReader r(file, options, "gemma3");
  SetGemma(r);
  if (r.shape.layers == 62) ScaleByWidth(r);
  r.traits.post_norms = true;
  r.traits.head_norms = HeadNorms::kEachHead;
  r.traits.logit_soft_cap = r.F32("final_logit_softcapping", 0, 0, 1e6);
  r.ReadWindows(0, 6);
  r.Rotate(true);
  r.RotateWindows(r.F32("rope.freq_base_swa", 10000, 1, 1e12), false);
  return r.Build();
}

}  // namespace zell::model
