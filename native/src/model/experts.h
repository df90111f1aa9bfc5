// The mixture of experts that takes the place of a layer's MLP: what a file says about it, and the ops for it.
#pragma once

#include <string>

#include "model/decoder_reader.h"

namespace zell::model {

/// Where relatives differ, and what a file leaves out.
struct ExpertShape {
  backend::RouteSpec route = {};
  uint32_t feed_forward = 0;         ///< of one expert
  uint32_t shared_feed_forward = 0;  ///< of the expert that every token goes to; 0: none
  bool shared_gate = false;          ///< its output is weighted with a sigmoid of its own
  uint32_t dense_layers = 0;         ///< the first layers, which have a plain MLP
  uint32_t step = 1;                 ///< of the others, only every so many-th has experts: that with number step - 1
  bool selection_bias = false;       ///< exp_probs_b must be there; else it is used when present
  backend::Activation activation = backend::Activation::kSilu;
  float gate_limit = 0.0f;  ///< as in backend::Op
};

/// Reads expert_count, expert_used_count, expert_feed_forward_length, expert_gating_func, expert_weights_norm, …;
/// what a file leaves out stays as it is in `usual`.
/// @errors kBadModelFile (out of range, or not fitting each other), kUnsupportedModel (an unknown gating function).
base::Result<ExpertShape> ReadExpertShape(const Metadata& metadata, const ExpertShape& usual);

/// Reads the shape and makes experts the MLP of all layers but the first dense ones.
void UseExperts(DecoderReader& reader, const ExpertShape& usual);

/// Width of the expert that shared ones make together: expert_shared_count * expert_feed_forward_length.
uint32_t SharedWidth(DecoderReader& reader);

/// Emits the experts of one layer after the other.
class ExpertBuilder {
 public:
  /// `builder` must outlive this. Declares the values that all layers share.
  ExpertBuilder(PlanBuilder& builder, const ExpertShape& shape, uint32_t embedding);

  /// out = what the experts of `layer` make of `in`, both [embedding]. Tensors: blk.N.ffn_gate_inp, ffn_gate_exps …
  void Emit(int layer, backend::ValueId in, backend::ValueId out);

 private:
  void Shared(int layer, backend::ValueId in);
  void Routed(int layer, backend::ValueId in, backend::ValueId out);
  backend::MatmulPart Part(int layer, const char* tensor, uint32_t cols, uint32_t rows, backend::ValueId out);
  backend::MatmulPart Plain(int layer, const char* tensor, uint32_t cols, uint32_t rows, backend::ValueId out);
  void Push(backend::Op op) { b_.plan().body.push_back(std::move(op)); }

  PlanBuilder& b_;
  const ExpertShape s_;
  const uint32_t embedding_;
  int route_ = -1;
  backend::ValueId logits_ = -1, chosen_ = -1, gate_ = -1, up_ = -1, down_ = -1;
  backend::ValueId shared_gate_ = -1, shared_up_ = -1, shared_ = -1, shared_weight_ = -1;
};

}  // namespace zell::model
