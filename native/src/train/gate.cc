// Gated activations and their gradients.
#include <cmath>

#include "train/ops.h"

namespace zell::train {
namespace {

using kernels::Activation;

/// f'(x), given y = f(x). SiLU and GELU are x * s(h(x)) with the logistic s, so that s = y / x:
/// f' = s + y * (1 - s) * h'.
float Derivative(Activation f, float x, float y) {
  if (f == Activation::kRelu) return x > 0 ? 1.0f : 0.0f;
  if (f == Activation::kReluSquared) return x > 0 ? 2.0f * x : 0.0f;
  // Below this y / x would have no digits, and both are linear.
  const float s = std::fabs(x) < 1e-30f ? 0.5f : y / x;
  if (f == Activation::kSilu) return s + y * (1.0f - s);
  constexpr float kTwice = 1.5957691216f;  // 2 sqrt(2 / pi)
  return s + y * (1.0f - s) * kTwice * (1.0f + 3.0f * 0.044715f * x * x);
}

}  // namespace

void GateForward(Workers& workers, Activation f, const float* gate, const float* up, float* y, size_t n) {
  const kernels::Kernels& k = kernels::ActiveKernels();
  ForRanges(workers, n, [&](size_t first, size_t last) {
    if (up == nullptr) {
      k.activate(f, gate + first, y + first, last - first);
    } else {
      k.gate(f, gate + first, up + first, y + first, last - first);
    }
  });
}

void GateBackward(Workers& workers, Activation f, const float* gate, const float* up, const float* dy, float* dgate,
                  float* dup, size_t n) {
  const kernels::Kernels& k = kernels::ActiveKernels();
  ForRanges(workers, n, [&](size_t first, size_t last) {
    constexpr size_t kPart = 256;
    float active[kPart];
    for (size_t i = first; i < last; i += kPart) {
      const size_t part = last - i < kPart ? last - i : kPart;
      k.activate(f, gate + i, active, part);
      for (size_t j = 0; j < part; ++j) {
        const float d = Derivative(f, gate[i + j], active[j]) * dy[i + j];
        dgate[i + j] += up == nullptr ? d : d * up[i + j];
        if (up != nullptr) dup[i + j] += dy[i + j] * active[j];
      }
    }
  });
}

}  // namespace zell::train
