// Running softmax: sums over parts of a context, joined in a fixed order.
#pragma once

#include <cmath>
#include <cstddef>
#include <limits>

namespace zell::backend {

/// max and sum of exp(score - max) over the keys seen so far; the weighted values lie beside it.
struct SoftmaxState {
  float max = -std::numeric_limits<float>::infinity();
  float sum = 0.0f;
};

/// Joins `part` (with its values) into `total`. One definition for blocks into chunks and chunks into a context.
inline void Join(SoftmaxState& total, float* total_values, const SoftmaxState& part, const float* part_values,
                 size_t n) {
  if (total.sum == 0.0f) {  // nothing yet
    total = part;
    for (size_t i = 0; i < n; ++i) total_values[i] = part_values[i];
    return;
  }
  const float max = total.max < part.max ? part.max : total.max;
  const float a = std::exp(total.max - max), b = std::exp(part.max - max);
  total.sum = total.sum * a + part.sum * b;
  for (size_t i = 0; i < n; ++i) total_values[i] = total_values[i] * a + part_values[i] * b;
  total.max = max;
}

/// The factor that makes the values of a whole context the result; `sink`: one more score, without a value, or nullptr.
inline float Finish(const SoftmaxState& total, const float* sink) {
  if (sink == nullptr) return 1.0f / total.sum;
  const float max = total.max < *sink ? *sink : total.max;
  const float shrink = std::exp(total.max - max);
  return shrink / (total.sum * shrink + std::exp(*sink - max));
}

}  // namespace zell::backend
