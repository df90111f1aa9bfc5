#include "train/split_gemm.h"

#include <algorithm>
#include <cstring>

namespace zell::train {
namespace {

// Steps of what a task holds of the right side: two panels of them (36 KiB) stay in the first-level cache beside what
// passes of the left side. Where quantised blocks lie along the depth it is a whole number of them.
constexpr size_t kMostSteps = 9;
constexpr size_t kLongestBlock = 256;
// Columns of C in a task: whole blocks of every type where rows of W lie along them.
constexpr size_t kMostColumns = 256;
constexpr size_t kMostPanels = kMostColumns / kSplitLines;

size_t Ceil(size_t n, size_t d) { return (n + d - 1) / d; }

size_t BlockOf(const SplitTerm& term) { return quant::InfoOf(term.right.type).block_weights; }

/// Columns of C that a task's right side must be a multiple of.
size_t LeastColumns(const SplitTerm& term) { return term.transposed ? 1 : BlockOf(term); }

/// How deep a task goes at a time: evenly, so that no short rest costs a visit to C.
size_t DepthOf(const SplitTerm& term) {
  if (term.transposed && BlockOf(term) == kLongestBlock) return kLongestBlock;
  const size_t steps = term.left->steps(), turns = Ceil(steps, kMostSteps);
  return Ceil(steps, turns) * kSplitDepth;
}

}  // namespace

size_t SplitPanels::Bytes(size_t rows, size_t depth) {
  return Ceil(rows, kSplitLines) * Ceil(depth, kSplitDepth) * sizeof(SplitTile);
}

size_t SplitGemm::ScratchBytes(int threads) {
  return static_cast<size_t>(threads) *
         (kMostPanels * kMostSteps * (sizeof(SplitTile) + kSplitNumbers * sizeof(float)) + 4096);
}

SplitGemm::SplitGemm(Workers& workers, const SplitKernels& kernels)
    : workers_(workers), kernels_(kernels), scratch_(static_cast<size_t>(workers.size())) {
  for (Scratch& s : scratch_) {
    s.right = base::AlignedBuffer<SplitTile>(kMostPanels * kMostSteps);
    s.unpacked = base::AlignedBuffer<float>(kMostPanels * kMostSteps * kSplitNumbers);
    s.edge = base::AlignedBuffer<float>(4 * kSplitLines * kSplitLines);
    if (!s.right.ok() || !s.unpacked.ok() || !s.edge.ok()) failed_ = true;
  }
}

bool SplitGemm::PackLeft(const View& a, SplitPanels& out) {
  out.rows_ = a.rows;
  out.depth_ = a.cols;
  const size_t steps = out.steps(), panels = Ceil(a.rows, kSplitLines);
  if (out.tiles_.size() < panels * steps) {
    out.tiles_ = {};
    out.tiles_ = base::AlignedBuffer<SplitTile>::Unzeroed(panels * steps);
    if (!out.tiles_.ok()) failed_ = true;
  }
  if (failed()) return false;
  const auto pack = [&](size_t p, size_t s) {
    const size_t first = p * kSplitLines, lines = std::min(kSplitLines, a.rows - first);
    const size_t k = s * kSplitDepth, depth = std::min(kSplitDepth, a.cols - k);
    const float* from = a.data + first * a.row_stride + k * a.col_stride;
    SplitTile& to = out.tiles_[p * steps + s];
    if (a.col_stride == 1) {
      kernels_.pack_lines(from, a.row_stride, lines, depth, false, to);
    } else {
      kernels_.pack_across(from, a.col_stride, lines, depth, false, to);
    }
  };
  // Along the rows in memory.
  if (a.col_stride == 1) {
    workers_.For(panels, [&](size_t p, size_t) {
      for (size_t s = 0; s < steps; ++s) pack(p, s);
    });
  } else {
    workers_.For(steps, [&](size_t s, size_t) {
      for (size_t p = 0; p < panels; ++p) pack(p, s);
    });
  }
  return true;
}

/// Asks memory for the quantised rows that come next.
void SplitGemm::Ask(const SplitTerm& term, const Task& task, size_t k, size_t depth) const {
  const QuantRows& w = term.right;
  const quant::TypeInfo& info = quant::InfoOf(w.type);
  const size_t first_row = term.transposed ? task.column : k, rows = term.transposed ? task.columns : depth;
  const size_t first_col = term.transposed ? k : task.column, cols = term.transposed ? depth : task.columns;
  const size_t bytes = quant::RowBytes(info, cols);
  for (size_t i = 0; i < rows; ++i) {
    const uint8_t* from = w.data + (first_row + i) * w.row_bytes + quant::RowBytes(info, first_col);
    kernels_.ask(from, bytes);
  }
}

/// Splits the part of the right side that meets the task's columns at depth [k, k + depth).
void SplitGemm::Block(const SplitTerm& term, const Task& task, size_t k, size_t depth, Scratch& scratch) const {
  const QuantRows& w = term.right;
  const quant::TypeInfo& info = quant::InfoOf(w.type);
  const size_t first_row = term.transposed ? task.column : k, rows = term.transposed ? task.columns : depth;
  const size_t first_col = term.transposed ? k : task.column, cols = term.transposed ? depth : task.columns;
  const float* x = scratch.unpacked.data();
  size_t stride = cols;
  if (w.type == quant::TensorType::kF32) {
    x = reinterpret_cast<const float*>(w.data + first_row * w.row_bytes) + first_col;
    stride = w.row_bytes / sizeof(float);
  } else {
    for (size_t i = 0; i < rows; ++i) {
      quant::Dequantize(w.type, w.data + (first_row + i) * w.row_bytes + quant::RowBytes(info, first_col),
                        scratch.unpacked.data() + i * cols, cols);
    }
  }
  for (size_t p = 0; p * kSplitLines < task.columns; ++p) {
    const size_t lines = std::min(kSplitLines, task.columns - p * kSplitLines);
    for (size_t s = 0; s * kSplitDepth < depth; ++s) {
      const size_t part = std::min(kSplitDepth, depth - s * kSplitDepth);
      SplitTile& to = scratch.right[p * kMostSteps + s];
      if (term.transposed) {
        kernels_.pack_lines(x + p * kSplitLines * stride + s * kSplitDepth, stride, lines, part, true, to);
      } else {
        kernels_.pack_across(x + s * kSplitDepth * stride + p * kSplitLines, stride, lines, part, true, to);
      }
    }
  }
}

void SplitGemm::Multiply(std::span<const SplitTerm> terms, float* c, size_t ldc, bool add) {
  if (failed()) return;
  const size_t m = terms[0].left->rows(), row_panels = Ceil(m, kSplitLines);
  const size_t n = terms[0].transposed ? terms[0].right.rows : terms[0].right.cols;
  const auto threads = static_cast<size_t>(workers_.size());
  size_t columns = n / 64 >= 4 * threads ? 64 : 32;
  for (const SplitTerm& term : terms) columns = std::max(columns, std::min(LeastColumns(term), n));
  const size_t groups = Ceil(n, columns);
  // Few columns: tasks share them, and each splits the right side for itself.
  const size_t parts = groups >= threads ? 1 : std::min(Ceil(row_panels, 2), 2 * threads);
  const size_t part_panels = Ceil(Ceil(row_panels, 2), parts) * 2;
  workers_.For(groups * parts, [&](size_t t, size_t thread) {
    Scratch& scratch = scratch_[thread];
    Task task;
    task.first_row = t % parts * part_panels;
    task.last_row = std::min(row_panels, task.first_row + part_panels);
    task.column = t / parts * columns;
    task.columns = std::min(columns, n - task.column);
    if (task.first_row >= task.last_row) return;
    kernels_.begin();
    bool more = add;
    for (const SplitTerm& term : terms) {
      const size_t left_steps = term.left->steps();
      const size_t whole = term.left->depth(), most = DepthOf(term);
      for (size_t k = 0; k < whole; k += most) {
        const size_t depth = std::min(most, whole - k), steps = Ceil(depth, kSplitDepth);
        Block(term, task, k, depth, scratch);
        if (k + depth < whole) Ask(term, task, k + depth, std::min(most, whole - k - depth));
        for (size_t j = 0; j < task.columns; j += 2 * kSplitLines) {
          const size_t cols = std::min(2 * kSplitLines, task.columns - j);
          const SplitSide right{&scratch.right[j / kSplitLines * kMostSteps], kMostSteps, Ceil(cols, kSplitLines)};
          for (size_t p = task.first_row; p < task.last_row; p += 2) {
            const SplitSide left{term.left->panel(p) + k / kSplitDepth, left_steps,
                                 std::min<size_t>(2, task.last_row - p)};
            const size_t rows = std::min(left.panels * kSplitLines, m - p * kSplitLines);
            float* to = c + p * kSplitLines * ldc + task.column + j;
            if (rows == left.panels * kSplitLines && cols == right.panels * kSplitLines) {
              kernels_.product(steps, left, right, to, ldc, more);
              continue;
            }
            float* edge = scratch.edge.data();
            constexpr size_t kEdge = 2 * kSplitLines;
            for (size_t i = 0; more && i < rows; ++i) {
              std::memcpy(edge + i * kEdge, to + i * ldc, cols * sizeof(float));
            }
            kernels_.product(steps, left, right, edge, kEdge, more);
            for (size_t i = 0; i < rows; ++i) std::memcpy(to + i * ldc, edge + i * kEdge, cols * sizeof(float));
          }
        }
        more = true;
      }
    }
    kernels_.end();
  });
}

}  // namespace zell::train
