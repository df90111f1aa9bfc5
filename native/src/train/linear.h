// A matrix product of the model with what an adapter adds to it, forward and backward.
#pragma once

#include <span>

#include "backend/plan.h"
#include "train/gemm.h"
#include "train/low_rank.h"
#include "train/ops.h"

namespace zell::train {

/// y = W x (+ bias) + factor * B (A x).
struct LinearPart {
  QuantRows weight;
  const float* bias = nullptr;
  const LearnedMatrix* learned = nullptr;  ///< null: nothing is added
  float* y = nullptr;                      ///< [tokens][weight.rows]; of Backward: not used
  float* u = nullptr;                      ///< [tokens][rank]: factor * A x; Forward writes it, Backward reads it
  const float* dy = nullptr;               ///< of Backward
};

/// Large matrices are unpacked and multiplied in slices, so that the panels stay at some MiB.
class Linear {
 public:
  Linear(Gemm& gemm, LowRankSet& learned) : gemm_(gemm), learned_(learned) {}

  /// x: [tokens][cols], the same for all parts; packed once.
  void Forward(std::span<const LinearPart> parts, const float* x, size_t tokens, size_t cols);
  /// dx = sum of W^T dy and what comes through A, added to dx when `add`; null: not wanted. Gradients of A and B are
  /// added. `x` is read only when a part learns.
  void Backward(std::span<const LinearPart> parts, const float* x, float* dx, bool add, size_t tokens, size_t cols);

  /// Floats of the panels at most for this many tokens.
  static size_t PanelFloats(size_t tokens, size_t widest);

 private:
  size_t Slice(size_t cols, size_t rows) const;
  void BackwardLearned(const LinearPart& part, float* dx, size_t tokens, size_t cols);

  Gemm& gemm_;
  LowRankSet& learned_;
  Panels x_, u_, w_, b_, g_;
  std::vector<float> du_;
};

QuantRows ToQuantRows(const backend::Weight& weight);

}  // namespace zell::train
