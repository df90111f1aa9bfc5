// Root mean square norms and their gradient.
#include <algorithm>
#include <cmath>

#include "train/ops.h"

namespace zell::train {
namespace {

size_t PartsPerTask(size_t width) { return std::max<size_t>(1, 16384 / std::max<size_t>(1, width)); }

const float* WeightOf(const RmsNorm& norm, size_t part) {
  return norm.weight == nullptr ? nullptr : norm.weight + part * norm.width % norm.weights;
}

}  // namespace

void RmsNormForward(Workers& workers, const RmsNorm& norm, const float* x, float* y, size_t parts) {
  const kernels::Kernels& k = kernels::ActiveKernels();
  const size_t step = PartsPerTask(norm.width);
  workers.For((parts + step - 1) / step, [&](size_t task, size_t) {
    std::vector<float> ones;
    if (norm.weight == nullptr) ones.assign(norm.width, 1.0f);
    for (size_t p = task * step; p < std::min(parts, (task + 1) * step); ++p) {
      const float* weight = norm.weight == nullptr ? ones.data() : WeightOf(norm, p);
      k.rms_norm(x + p * norm.width, weight, y + p * norm.width, norm.width, norm.eps);
    }
  });
}

// With r = 1 / sqrt(mean(x²) + eps): dx = r * weight * dy - x * r³ / n * sum(x * weight * dy).
void RmsNormBackward(Workers& workers, const RmsNorm& norm, const float* x, const float* dy, float* dx, float* dweight,
                     size_t parts) {
  const kernels::Kernels& k = kernels::ActiveKernels();
  const size_t n = norm.width, step = PartsPerTask(n);
  workers.For((parts + step - 1) / step, [&](size_t task, size_t) {
    std::vector<float> weighted(n);
    for (size_t p = task * step; p < std::min(parts, (task + 1) * step); ++p) {
      const float *xs = x + p * n, *dys = dy + p * n, *weight = WeightOf(norm, p);
      for (size_t i = 0; i < n; ++i) weighted[i] = weight == nullptr ? dys[i] : dys[i] * weight[i];
      const float mean = k.dot_f32(xs, xs, n) / static_cast<float>(n);
      const float r = 1.0f / std::sqrt(mean + norm.eps);
      const float along = k.dot_f32(xs, weighted.data(), n) * r * r * r / static_cast<float>(n);
      k.axpy(dx + p * n, weighted.data(), r, n);
      k.axpy(dx + p * n, xs, -along, n);
    }
  });
  if (dweight == nullptr) return;
  // Over parts in order: one thread, as only draft heads learn gains.
  workers.For(1, [&](size_t, size_t) {
    for (size_t p = 0; p < parts; ++p) {
      const float *xs = x + p * n, *dys = dy + p * n;
      const float r = 1.0f / std::sqrt(k.dot_f32(xs, xs, n) / static_cast<float>(n) + norm.eps);
      float* to = dweight + p * n % norm.weights;
      for (size_t i = 0; i < n; ++i) to[i] += dys[i] * xs[i] * r;
    }
  });
}

}  // namespace zell::train
