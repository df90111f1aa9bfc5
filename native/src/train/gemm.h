// Products of f32 matrices for training: operands are packed into panels, on the fly where they are quantised.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/aligned_buffer.h"
#include "quant/blocks.h"
#include "train/gemm_kernels.h"
#include "train/workers.h"

namespace zell::train {

/// A matrix of f32 in memory, in either order.
struct View {
  const float* data = nullptr;
  size_t rows = 0, cols = 0;
  size_t row_stride = 0, col_stride = 1;

  View Transposed() const { return {data, cols, rows, col_stride, row_stride}; }
};
inline View Rows(const float* data, size_t rows, size_t cols) { return {data, rows, cols, cols, 1}; }

/// A matrix of the model's file.
struct QuantRows {
  quant::TensorType type = quant::TensorType::kF32;
  const uint8_t* data = nullptr;
  size_t rows = 0, cols = 0, row_bytes = 0;
};

/// Numbers of one side of a product in the order in which the kernel reads them. Memory grows and is kept.
class Panels {
 public:
  const float* panel(size_t i) const { return data_.data() + i * k_ * width_; }
  size_t k() const { return k_; }
  size_t size() const { return size_; }  ///< rows of A or columns of B

 private:
  friend class Gemm;
  /// @return false when there is no memory.
  bool Resize(size_t size, size_t k, size_t width);
  float* panel(size_t i) { return data_.data() + i * k_ * width_; }

  base::AlignedBuffer<float> data_;
  size_t size_ = 0, k_ = 0, width_ = 0;
};

/// One addend of a sum of products; all of them have C's shape.
struct Term {
  const Panels* a;
  const Panels* b;
};

/// Every element of C is summed in one order: terms in turn, of each term 256 products at a time.
class Gemm {
 public:
  Gemm(Workers& workers, const GemmKernels& kernels = ActiveGemm()) : workers_(workers), kernels_(kernels) {}

  /// false: no memory; then failed() stays true, and products compute nothing any more. a: [m, k]
  bool PackLeft(const View& a, Panels& out);
  /// b: [k, n]
  bool PackRight(const View& b, Panels& out);
  /// b = W^T of rows [first, first + n): for y = x W^T. Rows are unpacked once.
  bool PackRightTransposed(const QuantRows& w, size_t first, size_t n, Panels& out);
  /// b = rows [first, first + k) of W: for dx = dy W.
  bool PackRightRows(const QuantRows& w, size_t first, size_t k, Panels& out);

  /// C = sum of a b, or C += it. c: [m, n], rows `ldc` apart.
  void Multiply(std::span<const Term> terms, float* c, size_t ldc, bool add);
  /// Both packings and the product.
  bool Multiply(const View& a, const View& b, float* c, size_t ldc, bool add);

  bool failed() const { return failed_; }
  Workers& workers() { return workers_; }
  const GemmKernels& kernels() const { return kernels_; }

 private:
  Workers& workers_;
  const GemmKernels& kernels_;
  bool Fit(Panels& out, size_t size, size_t k, size_t width);

  Panels left_, right_;
  bool failed_ = false;
};

/// The same product on the calling thread alone, for tasks that are products themselves (attention). Owns its packing
/// buffers.
class SerialGemm {
 public:
  explicit SerialGemm(const GemmKernels& kernels = ActiveGemm()) : kernels_(&kernels) {}
  void Multiply(const View& a, const View& b, float* c, size_t ldc, bool add);

 private:
  const GemmKernels* kernels_;
  std::vector<float> left_, right_;
};

}  // namespace zell::train
