#include "train/adamw.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "train/ops.h"

namespace zell::train {

double Update(Workers& workers, const AdamW& adam, float* values, const float* gradients, float* first, float* second,
              size_t n) {
  constexpr double kBeta1 = 0.9, kBeta2 = 0.999, kEpsilon = 1e-8;
  constexpr size_t kRange = 16384;
  std::vector<double> squares((n + kRange - 1) / kRange);
  workers.For(squares.size(), [&](size_t task, size_t) {
    for (size_t i = task * kRange; i < std::min(n, (task + 1) * kRange); ++i) {
      squares[task] += static_cast<double>(gradients[i]) * gradients[i];
    }
  });
  double length = 0;
  for (const double s : squares) length += s;
  length = std::sqrt(length);
  if (!std::isfinite(length)) return length;
  // As PyTorch clips: the 1e-6 keeps a zero gradient whole.
  const auto clip = static_cast<float>(std::min(1.0, adam.clip / (length + 1e-6)));
  const auto steps = static_cast<double>(adam.step);
  const auto rate = static_cast<float>(adam.rate / (1 - std::pow(kBeta1, steps)));
  const auto unbias = static_cast<float>(1 / std::sqrt(1 - std::pow(kBeta2, steps)));
  const auto shrink = static_cast<float>(1 - adam.rate * adam.decay);
  ForRanges(workers, n, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) {
      const float g = gradients[i] * clip;
      first[i] = static_cast<float>(kBeta1) * first[i] + static_cast<float>(1 - kBeta1) * g;
      second[i] = static_cast<float>(kBeta2) * second[i] + static_cast<float>(1 - kBeta2) * (g * g);
      values[i] = shrink * values[i] - rate * first[i] / (std::sqrt(second[i]) * unbias + static_cast<float>(kEpsilon));
    }
  });
  return length;
}

}  // namespace zell::train
