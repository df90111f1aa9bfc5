// Linear by products of split numbers.
#pragma once

#include <vector>

#include "train/linear.h"
#include "train/split_gemm.h"

namespace zell::train {

class SplitLinear : public Linear {
 public:
  SplitLinear(Workers& workers, LowRankSet& learned) : gemm_(workers), learned_(learned) {}

  void Forward(std::span<const LinearPart> parts, const float* x, size_t tokens, size_t cols) override;
  void Backward(std::span<const LinearPart> parts, const float* x, float* dx, bool add, size_t tokens,
                size_t cols) override;
  bool failed() const override { return gemm_.failed(); }

  static uint64_t Bytes(size_t tokens, size_t widest, int threads);

 private:
  void BackwardPart(const LinearPart& part, const float* x, float* dx, bool add, size_t tokens, size_t cols);

  SplitGemm gemm_;
  LowRankSet& learned_;
  SplitPanels x_, u_, dy_, du_, across_;
  std::vector<float> du_values_;
};

}  // namespace zell::train
