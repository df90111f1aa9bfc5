#include "train/gemm.h"

#include <algorithm>
#include <cstring>

namespace zell::train {
namespace {

// Products that a register sums before it meets C. A panel of B of this depth (32 KiB) stays in the first-level cache.
constexpr size_t kDepth = 256;
// Rows of C in one task: enough to hide the packing, few enough to park soon.
constexpr size_t kTaskPanels = 24;

size_t Ceil(size_t n, size_t d) { return (n + d - 1) / d; }

/// Rows [first, first + width) of x, all columns, as [cols][width]; rows beyond the last are zeros.
void PackPanel(const GemmKernels& kernels, const View& x, size_t first, size_t width, float* out) {
  const size_t n = std::min(width, x.rows - first);
  const float* from = x.data + first * x.row_stride;
  if (x.row_stride == 1) {
    kernels.pack_across(from, x.col_stride, n, x.cols, width, out);
  } else {
    kernels.pack_lines(from, x.row_stride, n, x.cols, width, out);
  }
}

void Tile(const GemmKernels& kernels, size_t k, const float* a, const float* b, float* c, size_t ldc, size_t rows,
          size_t cols, bool add) {
  if (rows == kernels.mr && (cols == kernels.nr || (cols == kernels.nr / 2 && kernels.nr == kMaxTileCols))) {
    kernels.tile(k, a, b, c, ldc, cols, add);
    return;
  }
  float whole[kMaxTileRows * kMaxTileCols];
  kernels.tile(k, a, b, whole, kernels.nr, cols, false);
  for (size_t i = 0; i < rows; ++i) {
    for (size_t j = 0; j < cols; ++j) {
      c[i * ldc + j] = add ? c[i * ldc + j] + whole[i * kernels.nr + j] : whole[i * kernels.nr + j];
    }
  }
}

}  // namespace

bool Panels::Resize(size_t size, size_t k, size_t width) {
  size_ = size;
  k_ = k;
  width_ = width;
  const size_t need = Ceil(size, width) * width * k;
  if (data_.size() >= need) return true;
  data_ = {};
  data_ = base::AlignedBuffer<float>(need);
  return data_.ok();
}

bool Gemm::Fit(Panels& out, size_t size, size_t k, size_t width) {
  failed_ = failed_ || !out.Resize(size, k, width);
  return !failed_;
}

bool Gemm::PackLeft(const View& a, Panels& out) {
  const size_t mr = kernels_.mr;
  if (!Fit(out, a.rows, a.cols, mr)) return false;
  workers_.For(Ceil(a.rows, mr), [&](size_t p, size_t) { PackPanel(kernels_, a, p * mr, mr, out.panel(p)); });
  return true;
}

bool Gemm::PackRight(const View& b, Panels& out) {
  const size_t nr = kernels_.nr;
  if (!Fit(out, b.cols, b.rows, nr)) return false;
  workers_.For(Ceil(b.cols, nr),
               [&](size_t p, size_t) { PackPanel(kernels_, b.Transposed(), p * nr, nr, out.panel(p)); });
  return true;
}

bool Gemm::PackRightTransposed(const QuantRows& w, size_t first, size_t n, Panels& out) {
  const size_t nr = kernels_.nr;
  if (!Fit(out, n, w.cols, nr)) return false;
  workers_.For(Ceil(n, nr), [&](size_t p, size_t) {
    const size_t begin = p * nr, rows = std::min(nr, n - begin);
    thread_local std::vector<float> unpacked;
    unpacked.resize(nr * w.cols);
    for (size_t i = 0; i < rows; ++i) {
      quant::Dequantize(w.type, w.data + (first + begin + i) * w.row_bytes, unpacked.data() + i * w.cols, w.cols);
    }
    PackPanel(kernels_, Rows(unpacked.data(), rows, w.cols), 0, nr, out.panel(p));
  });
  return true;
}

bool Gemm::PackRightRows(const QuantRows& w, size_t first, size_t k, Panels& out) {
  const size_t nr = kernels_.nr, panels = Ceil(w.cols, nr);
  if (!Fit(out, w.cols, k, nr)) return false;
  constexpr size_t kRowsPerTask = 16;
  workers_.For(Ceil(k, kRowsPerTask), [&](size_t task, size_t) {
    const size_t begin = task * kRowsPerTask, rows = std::min(kRowsPerTask, k - begin);
    thread_local std::vector<float> unpacked;
    unpacked.resize(kRowsPerTask * w.cols);
    for (size_t i = 0; i < rows; ++i) {
      quant::Dequantize(w.type, w.data + (first + begin + i) * w.row_bytes, unpacked.data() + i * w.cols, w.cols);
    }
    const View across = Rows(unpacked.data(), rows, w.cols).Transposed();
    for (size_t p = 0; p < panels; ++p) PackPanel(kernels_, across, p * nr, nr, out.panel(p) + begin * nr);
  });
  return true;
}

void Gemm::Multiply(std::span<const Term> terms, float* c, size_t ldc, bool add) {
  if (failed_) return;
  const size_t mr = kernels_.mr, nr = kernels_.nr, m = terms[0].a->size(), n = terms[0].b->size();
  const size_t row_panels = Ceil(m, mr), col_panels = Ceil(n, nr), row_tasks = Ceil(row_panels, kTaskPanels);
  workers_.For(col_panels * row_tasks, [&](size_t task, size_t) {
    const size_t column = task / row_tasks, first = task % row_tasks * kTaskPanels;
    const size_t last = std::min(row_panels, first + kTaskPanels), cols = std::min(nr, n - column * nr);
    bool more = add;
    for (const Term& term : terms) {
      for (size_t k = 0; k < term.a->k(); k += kDepth) {
        const size_t depth = std::min(kDepth, term.a->k() - k);
        const float* b = term.b->panel(column) + k * nr;
        for (size_t p = first; p < last; ++p) {
          Tile(kernels_, depth, term.a->panel(p) + k * mr, b, c + p * mr * ldc + column * nr, ldc,
               std::min(mr, m - p * mr), cols, more);
        }
        more = true;
      }
    }
  });
}

bool Gemm::Multiply(const View& a, const View& b, float* c, size_t ldc, bool add) {
  if (!PackLeft(a, left_) || !PackRight(b, right_)) return false;
  const Term term{&left_, &right_};
  Multiply(std::span(&term, 1), c, ldc, add);
  return true;
}

void SerialGemm::Multiply(const View& a, const View& b, float* c, size_t ldc, bool add) {
  const size_t mr = kernels_->mr, nr = kernels_->nr, m = a.rows, n = b.cols, k = a.cols;
  const size_t row_panels = Ceil(m, mr), col_panels = Ceil(n, nr);
  left_.resize(row_panels * mr * k);
  right_.resize(col_panels * nr * k);
  for (size_t p = 0; p < row_panels; ++p) PackPanel(*kernels_, a, p * mr, mr, left_.data() + p * mr * k);
  for (size_t p = 0; p < col_panels; ++p) PackPanel(*kernels_, b.Transposed(), p * nr, nr, right_.data() + p * nr * k);
  for (size_t column = 0; column < col_panels; ++column) {
    for (size_t begin = 0; begin < k; begin += kDepth) {
      const size_t depth = std::min(kDepth, k - begin);
      for (size_t p = 0; p < row_panels; ++p) {
        Tile(*kernels_, depth, left_.data() + p * mr * k + begin * mr, right_.data() + column * nr * k + begin * nr,
             c + p * mr * ldc + column * nr, ldc, std::min(mr, m - p * mr), std::min(nr, n - column * nr),
             add || begin > 0);
      }
    }
  }
}

}  // namespace zell::train
