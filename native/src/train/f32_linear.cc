#include "train/f32_linear.h"

#include <algorithm>

namespace zell::train {
namespace {

constexpr size_t kSliceFloats = size_t{1} << 20;  // 4 MiB of unpacked weights at a time
constexpr size_t kSliceStep = 32;

}  // namespace

size_t F32Linear::Slice(size_t cols, size_t rows) const {
  return std::min(rows, std::max<size_t>(1, kSliceFloats / (cols * kSliceStep)) * kSliceStep);
}

uint64_t F32Linear::Bytes(size_t tokens, size_t widest) {
  const size_t padded = tokens + kMaxTileRows;
  // x, dy (also transposed), a slice of weights with its padding, halves of adapters.
  return sizeof(float) * (4 * padded * widest + std::max(kSliceFloats, kSliceStep * widest) + 4 * kSliceStep * widest);
}

void F32Linear::Forward(std::span<const LinearPart> parts, const float* x, size_t tokens, size_t cols) {
  gemm_.PackLeft(Rows(x, tokens, cols), x_);
  for (const LinearPart& part : parts) {
    const size_t rows = part.weight.rows, rank = part.learned == nullptr ? 0 : part.learned->rank;
    const Term terms[] = {{&x_, &w_}, {&u_, &b_}};
    if (rank != 0) {
      const Term down{&x_, &b_};
      gemm_.PackRight(Rows(learned_.values() + part.learned->a, cols, rank), b_);
      gemm_.Multiply(std::span(&down, 1), part.u, rank, false);
      ScaleAll(gemm_.workers(), part.u, part.learned->factor, tokens * rank);
      gemm_.PackLeft(Rows(part.u, tokens, rank), u_);
    }
    const size_t slice = Slice(cols, rows);
    for (size_t first = 0; first < rows; first += slice) {
      const size_t n = std::min(slice, rows - first);
      gemm_.PackRightTransposed(part.weight, first, n, w_);
      if (rank != 0) {
        gemm_.PackRight(Rows(learned_.values() + part.learned->b + first * rank, n, rank).Transposed(), b_);
      }
      gemm_.Multiply(std::span(terms, rank != 0 ? 2u : 1u), part.y + first, rows, false);
    }
    AddBias(gemm_.workers(), part, tokens);
  }
}

void F32Linear::Backward(std::span<const LinearPart> parts, const float* x, float* dx, bool add, size_t tokens,
                         size_t cols) {
  const bool learns = std::any_of(parts.begin(), parts.end(), [](const LinearPart& p) { return p.learned != nullptr; });
  if (learns) gemm_.PackLeft(Rows(x, tokens, cols).Transposed(), x_);
  for (const LinearPart& part : parts) {
    const size_t rows = part.weight.rows, rank = part.learned == nullptr ? 0 : part.learned->rank;
    du_.resize(std::max(du_.size(), tokens * rank));
    const size_t slice = Slice(cols, rows);
    for (size_t first = 0; first < rows && (dx != nullptr || rank != 0); first += slice) {
      const size_t n = std::min(slice, rows - first);
      gemm_.PackLeft({part.dy + first, tokens, n, rows, 1}, g_);
      if (dx != nullptr) {
        const Term through{&g_, &w_};
        gemm_.PackRightRows(part.weight, first, n, w_);
        gemm_.Multiply(std::span(&through, 1), dx, cols, add);
        add = true;
      }
      if (rank != 0) {
        const Term up{&g_, &b_};
        gemm_.PackRight(Rows(learned_.values() + part.learned->b + first * rank, n, rank), b_);
        gemm_.Multiply(std::span(&up, 1), du_.data(), rank, first > 0);
      }
    }
    if (rank != 0) BackwardLearned(part, dx, tokens, cols);
    if (part.dw == nullptr) continue;
    gemm_.Multiply(Rows(part.dy, tokens, rows).Transposed(), Rows(x, tokens, cols), part.dw, cols, true);
  }
}

void F32Linear::BackwardLearned(const LinearPart& part, float* dx, size_t tokens, size_t cols) {
  const LearnedMatrix& m = *part.learned;
  ScaleAll(gemm_.workers(), du_.data(), m.factor, tokens * m.rank);
  float* gradients = learned_.gradients();
  gemm_.Multiply(Rows(part.dy, tokens, m.rows).Transposed(), Rows(part.u, tokens, m.rank), gradients + m.b, m.rank,
                 true);
  const Term down{&x_, &b_};
  gemm_.PackRight(Rows(du_.data(), tokens, m.rank), b_);
  gemm_.Multiply(std::span(&down, 1), gradients + m.a, m.rank, true);
  if (dx == nullptr) return;
  gemm_.Multiply(Rows(du_.data(), tokens, m.rank), Rows(learned_.values() + m.a, cols, m.rank).Transposed(), dx, cols,
                 true);
}

}  // namespace zell::train
