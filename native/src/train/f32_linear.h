// Linear in f32: weights are unpacked into panels of a slice and multiplied with fused multiply-adds.
#pragma once

#include <vector>

#include "train/linear.h"

namespace zell::train {

/// Large matrices are unpacked and multiplied in slices, so that the panels stay at some MiB.
class F32Linear : public Linear {
 public:
  F32Linear(Workers& workers, LowRankSet& learned) : gemm_(workers), learned_(learned) {}

  void Forward(std::span<const LinearPart> parts, const float* x, size_t tokens, size_t cols) override;
  void Backward(std::span<const LinearPart> parts, const float* x, float* dx, bool add, size_t tokens,
                size_t cols) override;
  bool failed() const override { return gemm_.failed(); }

  static uint64_t Bytes(size_t tokens, size_t widest);

 private:
  size_t Slice(size_t cols, size_t rows) const;
  void BackwardLearned(const LinearPart& part, float* dx, size_t tokens, size_t cols);

  Gemm gemm_;
  LowRankSet& learned_;
  Panels x_, u_, w_, b_, g_;
  std::vector<float> du_;
};

}  // namespace zell::train
