#include "train/split_gemm.h"

#include <algorithm>
#include <cstring>

namespace zell::train {
namespace {

// Steps of what a task holds of the right side: two panels of them (36 KiB) stay in the first-level cache beside what
// passes of the left side. Where quantised blocks lie along the depth it is a whole number of them.
constexpr size_t kMostSteps = 9;
constexpr size_t kRoundSteps = 12;  // with what an adapter adds, so that C is visited once for both
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

/// Some depth of a term.
struct SplitGemm::Piece {
  const SplitTerm* term;
  size_t k, depth;
  size_t at = 0;      ///< its first step within its round
  bool last = false;  ///< of its round: pieces whose products C collects at once

  size_t steps() const { return Ceil(depth, kSplitDepth); }
};

size_t SplitPanels::Bytes(size_t rows, size_t depth) {
  return Ceil(rows, kSplitLines) * Ceil(depth, kSplitDepth) * sizeof(SplitTile);
}

size_t SplitGemm::ScratchBytes(int threads) {
  return static_cast<size_t>(threads) *
         (kMostPanels * kRoundSteps * (sizeof(SplitTile) + kSplitNumbers * sizeof(float)) + 4096);
}

SplitGemm::SplitGemm(Workers& workers, const SplitKernels& kernels)
    : workers_(workers), kernels_(kernels), scratch_(static_cast<size_t>(workers.size())) {
  for (Scratch& s : scratch_) {
    s.right = base::AlignedBuffer<SplitTile>(kMostPanels * kRoundSteps);
    s.unpacked = base::AlignedBuffer<float>(kMostPanels * kRoundSteps * kSplitNumbers);
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

std::vector<SplitGemm::Piece> SplitGemm::PiecesOf(std::span<const SplitTerm> terms) {
  std::vector<Piece> pieces;
  for (const SplitTerm& term : terms) {
    const size_t whole = term.left->depth(), most = DepthOf(term);
    for (size_t k = 0; k < whole; k += most) pieces.push_back({&term, k, std::min(most, whole - k)});
  }
  for (size_t i = 1; i < pieces.size(); ++i) {
    const size_t at = pieces[i - 1].at + pieces[i - 1].steps();
    pieces[i - 1].last = at + pieces[i].steps() > kRoundSteps;
    if (!pieces[i - 1].last) pieces[i].at = at;
  }
  pieces.back().last = true;
  return pieces;
}

/// The part of its right side that a piece multiplies with a task's columns.
struct SplitGemm::Rectangle {
  Rectangle(const Piece& piece, const Task& task)
      : first_row(piece.term->transposed ? task.column : piece.k),
        rows(piece.term->transposed ? task.columns : piece.depth),
        first_col(piece.term->transposed ? piece.k : task.column),
        cols(piece.term->transposed ? piece.depth : task.columns) {}
  size_t first_row, rows, first_col, cols;
};

/// Asks memory for what comes next.
void SplitGemm::Ask(const Piece& piece, const Task& task) const {
  const QuantRows& w = piece.term->right;
  const quant::TypeInfo& info = quant::InfoOf(w.type);
  const auto [first_row, rows, first_col, cols] = Rectangle(piece, task);
  const size_t bytes = quant::RowBytes(info, cols);
  for (size_t i = 0; i < rows; ++i) {
    const uint8_t* from = w.data + (first_row + i) * w.row_bytes + quant::RowBytes(info, first_col);
    kernels_.ask(from, bytes);
  }
}

/// Splits a piece's right side.
void SplitGemm::Split(const Piece& piece, const Task& task, Scratch& scratch) const {
  const QuantRows& w = piece.term->right;
  const quant::TypeInfo& info = quant::InfoOf(w.type);
  const auto [first_row, rows, first_col, cols] = Rectangle(piece, task);
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
    for (size_t s = 0; s * kSplitDepth < piece.depth; ++s) {
      const size_t part = std::min(kSplitDepth, piece.depth - s * kSplitDepth);
      SplitTile& to = scratch.right[p * kRoundSteps + piece.at + s];
      if (piece.term->transposed) {
        kernels_.pack_lines(x + p * kSplitLines * stride + s * kSplitDepth, stride, lines, part, true, to);
      } else {
        kernels_.pack_across(x + s * kSplitDepth * stride + p * kSplitLines, stride, lines, part, true, to);
      }
    }
  }
}

/// A round's products for all of a task.
void SplitGemm::Products(std::span<const Piece> round, const Task& task, Scratch& scratch, const Result& c,
                         bool add) const {
  constexpr size_t kEdge = 2 * kSplitLines;
  SplitRun runs[kRoundSteps];
  for (size_t j = 0; j < task.columns; j += kEdge) {
    const size_t cols = std::min(kEdge, task.columns - j);
    for (size_t p = task.first_row; p < task.last_row; p += 2) {
      const SplitShape shape{std::min<size_t>(2, task.last_row - p), Ceil(cols, kSplitLines)};
      for (size_t i = 0; i < round.size(); ++i) {
        const SplitPanels& left = *round[i].term->left;
        runs[i] = {round[i].steps(),
                   {left.panel(p) + round[i].k / kSplitDepth, left.steps()},
                   {&scratch.right[j / kSplitLines * kRoundSteps + round[i].at], kRoundSteps}};
      }
      const std::span<const SplitRun> all(runs, round.size());
      const size_t rows = std::min(shape.rows * kSplitLines, c.rows - p * kSplitLines);
      float* to = c.data + p * kSplitLines * c.stride + task.column + j;
      if (rows == shape.rows * kSplitLines && cols == shape.columns * kSplitLines) {
        kernels_.product(all, shape, to, c.stride, add);
        continue;
      }
      float* edge = scratch.edge.data();
      for (size_t i = 0; add && i < rows; ++i) {
        std::memcpy(edge + i * kEdge, to + i * c.stride, cols * sizeof(float));
      }
      kernels_.product(all, shape, edge, kEdge, add);
      for (size_t i = 0; i < rows; ++i) std::memcpy(to + i * c.stride, edge + i * kEdge, cols * sizeof(float));
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
  const std::vector<Piece> pieces = PiecesOf(terms);
  const auto task_of = [&](size_t t) {
    Task task;
    task.first_row = t % parts * part_panels;
    task.last_row = std::min(row_panels, task.first_row + part_panels);
    task.column = t / parts * columns;
    task.columns = std::min(columns, n - task.column);
    return task;
  };
  workers_.For(groups * parts, [&](size_t t, size_t thread) {
    const Task task = task_of(t);
    if (task.first_row >= task.last_row) return;
    Scratch& scratch = scratch_[thread];
    kernels_.begin();
    for (size_t first = 0, end = 0; first < pieces.size(); first = end) {
      do {
        Split(pieces[end], task, scratch);
      } while (!pieces[end++].last);
      if (end < pieces.size()) {
        Ask(pieces[end], task);
      } else if (t + threads < groups * parts) {
        Ask(pieces[0], task_of(t + threads));  // about what this thread gets next
      }
      Products(std::span(pieces).subspan(first, end - first), task, scratch, {c, m, ldc}, add || first > 0);
    }
    kernels_.end();
  });
}

}  // namespace zell::train
