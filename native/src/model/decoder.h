// The plan that most language models share: attention over the tokens before, then an MLP, in every layer.
#pragma once

#include <functional>

#include "model/plan_builder.h"

namespace zell::model {

enum class NormKind { kRms, kLayer };

/// Norms of queries and keys before they are rotated.
enum class HeadNorms {
  kNone,
  kEachHead,     ///< one weight for all heads
  kEachHeadOwn,  ///< a weight for each head
  kWhole,        ///< all heads as one row
};

enum class MlpKind {
  kGated,      ///< down(f(gate x) * up x)
  kFusedGate,  ///< the same, gate and up being the halves of one matrix, ffn_up
  kPlain,      ///< down(f(up x))
};

/// Where relatives differ. Names are those of tensors, without `blk.N.` and `.weight`.
struct DecoderTraits {
  NormKind norm = NormKind::kRms;
  bool pre_norms = true;  ///< false: layers read the hidden state as it is
  const char* attention_norm = "attn_norm";
  const char* mlp_norm = "ffn_norm";
  bool post_norms = false;  ///< what a layer adds is normed first: post_attention_norm, post_ffw_norm
  HeadNorms head_norms = HeadNorms::kNone;
  bool norm_rotated = false;  ///< heads are normed after they are rotated
  /// Attention and MLP read the same hidden state; without an mlp_norm in the file also the same norm of it.
  bool parallel = false;
  MlpKind mlp = MlpKind::kGated;
  backend::Activation activation = backend::Activation::kSilu;
  /// Biases that must be there; those of other projections and norms are used when they are.
  bool qkv_bias = false;
  bool all_biases = false;
  bool norm_bias = false;

  float embedding_scale = 1.0f;
  /// Not 0: queries grow with their position, see RopeSpec.
  float query_growth = 0.0f;
  uint32_t query_growth_step = 1;
  float residual_scale = 1.0f;   ///< of what a layer adds
  float attention_scale = 0.0f;  ///< 0: 1 / sqrt(key_dim)
  float attention_soft_cap = 0.0f;
  float logit_scale = 1.0f;  ///< a factor
  float logit_soft_cap = 0.0f;

  backend::RopeSpec rope;  ///< no turns: no layer rotates
  /// Instead of `rope` in layers with a window; no turns: `rope` there too.
  backend::RopeSpec window_rope;
  uint32_t window = 0;          ///< tokens that layers with a window see
  std::vector<bool> windowed;   ///< [layer]; empty: none
  std::vector<bool> unrotated;  ///< [layer]; empty: none

  /// Emits another MLP or attention for a layer: out = f(in), both [embedding]. false: the usual one.
  std::function<bool(PlanBuilder&, uint32_t layer, backend::ValueId in, backend::ValueId out)> special_mlp,
      special_attention;
};

/// Emits the whole plan for a file with the usual GGUF tensor names.
/// @errors kBadModelFile, kUnsupportedModel: which tensor is missing, or has another shape or type.
base::Result<backend::Plan> BuildDecoderPlan(const gguf::File& file, const DecoderShape& shape,
                                             const DecoderTraits& traits);

}  // namespace zell::model
