#include "train/split_linear.h"

#include <algorithm>

namespace zell::train {
namespace {

// Gradients of a wide output (logits) are split in slices of so many numbers: 16 MiB.
constexpr size_t kSliceFloats = size_t{4} << 20;
constexpr size_t kSliceStep = 256;

size_t Slice(size_t tokens, size_t rows) {
  return std::min(rows, std::max<size_t>(1, kSliceFloats / (tokens * kSliceStep)) * kSliceStep);
}

QuantRows F32Rows(const float* x, size_t rows, size_t cols, size_t stride) {
  return {quant::TensorType::kF32, reinterpret_cast<const uint8_t*>(x), rows, cols, stride * sizeof(float)};
}

/// Rows [first, first + n).
QuantRows Part(const QuantRows& w, size_t first, size_t n) {
  return {w.type, w.data + first * w.row_bytes, n, w.cols, w.row_bytes};
}

}  // namespace

uint64_t SplitLinear::Bytes(size_t tokens, size_t widest, int threads) {
  const size_t slice = std::min(widest, Slice(tokens, widest));
  // x, gradients of an output, the same the other way around; halves of adapters are far smaller.
  return 2 * SplitPanels::Bytes(tokens, widest) + 2 * SplitPanels::Bytes(widest, tokens) +
         SplitPanels::Bytes(tokens, std::max(slice, kSliceStep)) + SplitGemm::ScratchBytes(threads);
}

void SplitLinear::Forward(std::span<const LinearPart> parts, const float* x, size_t tokens, size_t cols) {
  gemm_.PackLeft(Rows(x, tokens, cols), x_);
  for (const LinearPart& part : parts) {
    const size_t rows = part.weight.rows, rank = part.learned == nullptr ? 0 : part.learned->rank;
    const float* values = learned_.values();
    SplitTerm terms[2] = {{&x_, part.weight, true}, {&u_, {}, true}};
    if (rank != 0) {
      const SplitTerm down{&x_, F32Rows(values + part.learned->a, cols, rank, rank)};
      gemm_.Multiply(std::span(&down, 1), part.u, rank, false);
      ScaleAll(gemm_.workers(), part.u, part.learned->factor, tokens * rank);
      gemm_.PackLeft(Rows(part.u, tokens, rank), u_);
      terms[1].right = F32Rows(values + part.learned->b, rows, rank, rank);
    }
    gemm_.Multiply(std::span(terms, rank != 0 ? 2u : 1u), part.y, rows, false);
    AddBias(gemm_.workers(), part, tokens);
  }
}

void SplitLinear::Backward(std::span<const LinearPart> parts, const float* x, float* dx, bool add, size_t tokens,
                           size_t cols) {
  const bool learns = std::any_of(parts.begin(), parts.end(), [](const LinearPart& p) { return p.learned != nullptr; });
  if (learns) gemm_.PackLeft(Rows(x, tokens, cols).Transposed(), x_);
  for (const LinearPart& part : parts) {
    BackwardPart(part, x, dx, add, tokens, cols);
    add = true;
  }
}

void SplitLinear::BackwardPart(const LinearPart& part, const float* x, float* dx, bool add, size_t tokens,
                               size_t cols) {
  const LearnedMatrix* m = part.learned;
  const size_t rows = part.weight.rows, rank = m == nullptr ? 0 : m->rank;
  if (dx == nullptr && m == nullptr && part.dw == nullptr) return;
  du_values_.resize(std::max(du_values_.size(), tokens * rank));
  float *du = du_values_.data(), *gradients = learned_.gradients();
  const float* values = learned_.values();
  const size_t slice = Slice(tokens, rows);
  for (size_t first = 0; first < rows; first += slice) {
    const size_t n = std::min(slice, rows - first);
    const View dy{part.dy + first, tokens, n, rows, 1};
    gemm_.PackLeft(dy, dy_);
    if (rank != 0) {
      const SplitTerm up{&dy_, F32Rows(values + m->b + first * rank, n, rank, rank)};
      gemm_.Multiply(std::span(&up, 1), du, rank, first > 0);
      gemm_.PackLeft(dy.Transposed(), across_);
      const SplitTerm db{&across_, F32Rows(part.u, tokens, rank, rank)};
      gemm_.Multiply(std::span(&db, 1), gradients + m->b + first * rank, rank, true);
    }
    if (part.dw != nullptr) {
      gemm_.PackLeft(dy.Transposed(), across_);
      const SplitTerm dw{&across_, F32Rows(x, tokens, cols, cols)};
      gemm_.Multiply(std::span(&dw, 1), part.dw + first * cols, cols, true);
    }
    const bool last = first + n == rows;
    if (rank != 0 && last) {
      ScaleAll(gemm_.workers(), du, m->factor, tokens * rank);
      gemm_.PackLeft(Rows(du, tokens, rank), du_);
    }
    if (dx == nullptr) continue;
    SplitTerm terms[2] = {{&dy_, Part(part.weight, first, n), false}, {&du_, {}, true}};
    if (rank != 0) terms[1].right = F32Rows(values + m->a, cols, rank, rank);
    gemm_.Multiply(std::span(terms, rank != 0 && last ? 2u : 1u), dx, cols, add || first > 0);
  }
  if (rank == 0) return;
  const SplitTerm da{&x_, F32Rows(du, tokens, rank, rank)};
  gemm_.Multiply(std::span(&da, 1), gradients + m->a, rank, true);
}

}  // namespace zell::train
