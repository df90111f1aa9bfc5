#include "train/linear.h"

#include <algorithm>

#include "kernels/kernels.h"
#include "train/f32_linear.h"
#include "train/ops.h"
#include "train/split_linear.h"

namespace zell::train {

std::unique_ptr<Linear> MakeLinear(Numerics numerics, Workers& workers, LowRankSet& learned) {
  if (numerics == Numerics::kBf16x3) return std::make_unique<SplitLinear>(workers, learned);
  return std::make_unique<F32Linear>(workers, learned);
}

uint64_t LinearBytes(Numerics numerics, size_t tokens, size_t widest, int threads) {
  return numerics == Numerics::kBf16x3 ? SplitLinear::Bytes(tokens, widest, threads) : F32Linear::Bytes(tokens, widest);
}

QuantRows ToQuantRows(const backend::Weight& w) {
  return {w.type, w.data, static_cast<size_t>(w.rows), static_cast<size_t>(w.cols), w.row_bytes};
}

void AddBias(Workers& workers, const LinearPart& part, size_t tokens) {
  if (part.bias == nullptr) return;
  constexpr size_t kRows = 32;
  const size_t width = part.weight.rows;
  workers.For((tokens + kRows - 1) / kRows, [&](size_t task, size_t) {
    for (size_t row = task * kRows; row < std::min(tokens, (task + 1) * kRows); ++row) {
      kernels::ActiveKernels().add(part.y + row * width, part.bias, width);
    }
  });
}

void ScaleAll(Workers& workers, float* x, float factor, size_t n) {
  if (factor == 1.0f) return;
  ForRanges(workers, n,
            [&](size_t first, size_t last) { kernels::ActiveKernels().scale(x + first, factor, last - first); });
}

}  // namespace zell::train
