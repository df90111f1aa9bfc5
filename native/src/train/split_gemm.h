// Products of f32 matrices on bf16 units: the left side is split once, the right side by the task that multiplies it.
#pragma once

#include <atomic>
#include <memory>
#include <span>
#include <vector>

#include "base/aligned_buffer.h"
#include "train/gemm.h"
#include "train/split_kernels.h"

namespace zell::train {

/// The left side of a product, split. Memory grows and is kept.
class SplitPanels {
 public:
  size_t rows() const { return rows_; }
  size_t depth() const { return depth_; }
  /// Tiles of a panel.
  size_t steps() const { return (depth_ + kSplitDepth - 1) / kSplitDepth; }
  const SplitTile* panel(size_t i) const { return tiles_.data() + i * steps(); }
  /// Bytes at most.
  static size_t Bytes(size_t rows, size_t depth);

 private:
  friend class SplitGemm;
  base::AlignedBuffer<SplitTile> tiles_;
  size_t rows_ = 0, depth_ = 0;
};

/// One addend of a sum of products; all of them have C's shape.
struct SplitTerm {
  const SplitPanels* left;  ///< [m, k]
  QuantRows right;          ///< [k, n], or when `transposed` [n, k] (as W in y = x W^T)
  bool transposed = false;
};

/// Every element of C is summed in one order: terms in turn, each along its k. Rows of a quantised matrix are unpacked
/// once for each product.
class SplitGemm {
 public:
  explicit SplitGemm(Workers& workers, const SplitKernels& kernels = ActiveSplit());

  /// false: no memory; then failed() stays true, and products compute nothing any more.
  bool PackLeft(const View& a, SplitPanels& out);
  /// C = sum of products, or C += it. c: [m, n], rows `ldc` apart.
  void Multiply(std::span<const SplitTerm> terms, float* c, size_t ldc, bool add);

  bool failed() const { return failed_.load(std::memory_order_relaxed); }
  Workers& workers() { return workers_; }
  /// Of all threads' work space.
  static size_t ScratchBytes(int threads);

 private:
  /// Of one thread.
  struct Scratch {
    base::AlignedBuffer<SplitTile> right;  ///< the task's part of the right side
    base::AlignedBuffer<float> unpacked;   ///< the same as it lies in memory
    base::AlignedBuffer<float> edge;       ///< what C's border cuts off
  };
  struct Task {
    size_t first_row, last_row;  ///< of C, in panels
    size_t column, columns;      ///< of C
  };
  struct Result {
    float* data;
    size_t rows, stride;
  };
  struct Piece;
  struct Rectangle;
  static std::vector<Piece> PiecesOf(std::span<const SplitTerm> terms);
  void Ask(const Piece& piece, const Task& task) const;
  void Split(const Piece& piece, const Task& task, Scratch& scratch) const;
  void Products(std::span<const Piece> round, const Task& task, Scratch& scratch, const Result& c, bool add) const;

  Workers& workers_;
  const SplitKernels& kernels_;
  std::vector<Scratch> scratch_;  ///< [thread]
  std::atomic<bool> failed_ = false;
};

}  // namespace zell::train
