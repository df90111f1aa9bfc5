// A matrix product of the model with what an adapter adds to it, forward and backward.
#pragma once

#include <memory>
#include <span>

#include "backend/plan.h"
#include "train/gemm.h"
#include "train/low_rank.h"
#include "train/recipe.h"

namespace zell::train {

/// y = W x (+ bias) + factor * B (A x).
struct LinearPart {
  QuantRows weight;
  const float* bias = nullptr;
  const LearnedMatrix* learned = nullptr;  ///< null: nothing is added
  float* y = nullptr;                      ///< [tokens][weight.rows]; of Backward: not used
  float* u = nullptr;                      ///< [tokens][rank]: factor * A x; Forward writes it, Backward reads it
  const float* dy = nullptr;               ///< of Backward
  float* dw = nullptr;                     ///< of Backward: gradient of W itself, [rows][cols]; null: not wanted
};

class Linear {
 public:
  virtual ~Linear() = default;

  /// x: [tokens][cols], the same for all parts; packed once.
  virtual void Forward(std::span<const LinearPart> parts, const float* x, size_t tokens, size_t cols) = 0;
  /// dx = sum of W^T dy and what comes through A, added to dx when `add`; null: not wanted. Gradients of A, B and W
  /// are added. `x` is read only when a part learns.
  virtual void Backward(std::span<const LinearPart> parts, const float* x, float* dx, bool add, size_t tokens,
                        size_t cols) = 0;
  /// There was no memory for a panel: products compute nothing any more.
  virtual bool failed() const = 0;
};

/// `numerics`: not kFastest. What it is given outlives it.
std::unique_ptr<Linear> MakeLinear(Numerics numerics, Workers& workers, LowRankSet& learned);
/// Bytes of the panels at most for this many tokens and values of this width.
uint64_t LinearBytes(Numerics numerics, size_t tokens, size_t widest, int threads);

QuantRows ToQuantRows(const backend::Weight& weight);
/// y += bias for each of `tokens` rows.
void AddBias(Workers& workers, const LinearPart& part, size_t tokens);
/// x *= factor
void ScaleAll(Workers& workers, float* x, float factor, size_t n);

}  // namespace zell::train
