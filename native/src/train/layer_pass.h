// One layer of a row, forward and backward. Private to the room.
#pragma once

#include "train/network.h"

namespace zell::train {

class LayerPass {
 public:
  /// kept: where the values lie that the backward pass needs.
  LayerPass(Network& network, size_t layer, const Row& row, float* input, float* output, float* kept);

  void Forward(bool with_adapter);
  /// Needs what Forward left in `kept`; scratch may hold another layer's. d_output is used up; d_input is
  /// overwritten, or null: not wanted.
  void Backward(float* d_output, float* d_input);

 private:
  float* Value(int value) const;
  float* Gradient(int value);
  /// A gradient that is about to be added to.
  float* Added(int value);
  void AddGradient(int value, const float* from, float scale);
  void Run(const TapeOp& t, bool with_adapter);
  void RunMatmul(const TapeOp& t, bool with_adapter);
  void Back(const TapeOp& t);
  void BackMatmul(const TapeOp& t);
  std::vector<LinearPart> Parts(const TapeOp& t, bool with_adapter);
  Attention AttentionOf(const TapeOp& t) const;
  RmsNorm NormOf(const TapeOp& t) const;
  void Turn(const TapeOp& t, float* x, float direction);

  Network& n_;
  const LayerTape& tape_;
  const LayerLayout layout_;
  const Row& row_;
  const size_t tokens_;
  float *input_, *output_, *kept_;
  float *d_output_ = nullptr, *d_input_ = nullptr;
  std::vector<bool> touched_;  ///< [value] its gradient holds something
};

}  // namespace zell::train
