#include "train/loss.h"

#include <algorithm>
#include <cmath>

#include "kernels/kernels.h"

namespace zell::train {
namespace {

// No bucket for the rest is smaller than this: what a teacher in f32 leaves over is rounding below it.
constexpr double kLeastRest = 1e-6;

/// Softmax in place. @return log of the sum of exp(logits).
float Softmax(float* logits, size_t n) {
  const kernels::Kernels& k = kernels::ActiveKernels();
  const float max = *std::max_element(logits, logits + n);
  const float sum = k.exp_sum(logits, max, n);
  k.scale(logits, 1.0f / sum, n);
  return max + std::log(sum);
}

}  // namespace

float CrossEntropy(float* logits, size_t n, uint32_t target, float weight) {
  const float wanted = logits[target];
  const float loss = Softmax(logits, n) - wanted;
  kernels::ActiveKernels().scale(logits, weight, n);
  logits[target] -= weight;
  return loss;
}

// With teacher p, student q, rests P and Q: the gradient is q - p for an id of the teacher, q - q P / Q elsewhere.
float SparseDivergence(float* logits, size_t n, std::span<const int32_t> ids, std::span<const float> logprobs,
                       float weight) {
  double loss = 0, teacher_sum = 0, student_sum = 0;
  const float* const wanted = logits;
  double own[256];
  const size_t top = std::min<size_t>(ids.size(), 256);
  for (size_t i = 0; i < top; ++i) own[i] = wanted[ids[i]];
  const double total = Softmax(logits, n);
  for (size_t i = 0; i < top; ++i) {
    const double p = std::exp(static_cast<double>(logprobs[i]));
    loss += p * (static_cast<double>(logprobs[i]) - (own[i] - total));
    teacher_sum += p;
    student_sum += std::exp(own[i] - total);
  }
  const double rest = std::max(1 - teacher_sum, kLeastRest), own_rest = std::max(1 - student_sum, kLeastRest);
  if (n > top) loss += rest * (std::log(rest) - std::log(own_rest));
  const auto elsewhere = static_cast<float>(weight * (1 - rest / own_rest));
  for (size_t i = 0; i < top; ++i) own[i] = logits[ids[i]];
  kernels::ActiveKernels().scale(logits, elsewhere, n);
  for (size_t i = 0; i < top; ++i) {
    logits[ids[i]] = static_cast<float>(weight * (own[i] - std::exp(static_cast<double>(logprobs[i]))));
  }
  return static_cast<float>(loss);
}

}  // namespace zell::train
