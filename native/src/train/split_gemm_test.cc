// Split products: the unit against the scalar definition bit by bit, and both against products in double.
#include "train/split_gemm.h"

#include <cmath>
#include <cstring>

#include "base/cpu.h"
#include "check.h"
#include "kernels/kernels.h"
#include "random.h"

using namespace zell;
using train::QuantRows;
using train::Rows;
using train::SplitGemm;
using train::SplitKernels;
using train::SplitPanels;
using train::SplitTerm;
using train::SplitTile;
using train::Workers;

namespace {

std::vector<const SplitKernels*> Supported() {
  std::vector<const SplitKernels*> all = {&train::ScalarSplit()};
  if (train::HasFastSplit()) all.push_back(&train::ActiveSplit());
  return all;
}

QuantRows F32(const std::vector<float>& x, size_t rows, size_t cols) {
  return {quant::TensorType::kF32, reinterpret_cast<const uint8_t*>(x.data()), rows, cols, cols * sizeof(float)};
}

std::vector<float> Transposed(const std::vector<float>& x, size_t rows, size_t cols) {
  std::vector<float> t(x.size());
  for (size_t i = 0; i < rows; ++i) {
    for (size_t j = 0; j < cols; ++j) t[j * rows + i] = x[i * cols + j];
  }
  return t;
}

bool SameBits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

/// Of all numbers the largest difference from the product in double, beside the sum of the products' sizes.
double Error(const std::vector<float>& c, const std::vector<float>& a, const std::vector<float>& b, size_t m, size_t n,
             size_t k) {
  double worst = 0;
  for (size_t i = 0; i < m; ++i) {
    for (size_t j = 0; j < n; ++j) {
      double sum = 0, size = 0;
      for (size_t p = 0; p < k; ++p) {
        const double product = double(a[i * k + p]) * b[p * n + j];
        sum += product;
        size += std::fabs(product);
      }
      worst = std::max(worst, std::fabs(c[i * n + j] - sum) / size);
    }
  }
  return worst;
}

}  // namespace

TEST(the_unit_splits_and_multiplies_as_the_definition_says) {
  if (!train::HasFastSplit()) SKIP("this processor has no unit for bf16, or ZELL_ISA leaves it out");
  const SplitKernels &scalar = train::ScalarSplit(), &unit = train::ActiveSplit();
  std::vector<float> x = test::Normals(64 * 64, 1);
  // Zeros, halves of the last place (ties), large, tiny and subnormal numbers.
  const float special[] = {0.0f, -0.0f, 1.00390625f, 1.01171875f, 3e38f, -1e-30f, 1e-39f, 1.1754944e-38f, 65504.0f};
  for (size_t i = 0; i < std::size(special); ++i) x[i * 7] = special[i];
  for (const bool right : {false, true}) {
    for (const auto& [lines, depth] : {std::pair<size_t, size_t>(16, 32), {5, 32}, {16, 16}, {1, 7}, {9, 31}}) {
      SplitTile wanted, got;
      scalar.pack_lines(x.data(), 64, lines, depth, right, wanted);
      unit.pack_lines(x.data(), 64, lines, depth, right, got);
      CHECK(std::memcmp(&wanted, &got, sizeof wanted) == 0);
      scalar.pack_across(x.data(), 64, lines, depth, right, wanted);
      unit.pack_across(x.data(), 64, lines, depth, right, got);
      CHECK(std::memcmp(&wanted, &got, sizeof wanted) == 0);
    }
  }
}

TEST(split_products_are_f32_products_up_to_rounding_at_all_edges) {
  const size_t sizes[][3] = {{1, 1, 1}, {16, 16, 32}, {17, 33, 257}, {60, 70, 513}, {90, 16, 64}, {130, 300, 40}};
  for (const auto& [m, n, k] : sizes) {
    const std::vector<float> a = test::Normals(m * k, 1), b = test::Normals(k * n, 2), at = Transposed(a, m, k),
                             bt = Transposed(b, k, n), before = test::Normals(m * n, 3);
    std::vector<float> first;
    for (const SplitKernels* kernels : Supported()) {
      for (const int threads : {1, 3}) {
        for (const bool transposed : {false, true}) {
          Workers workers(threads);
          SplitGemm gemm(workers, *kernels);
          SplitPanels left;
          CHECK(gemm.PackLeft(transposed ? Rows(at.data(), k, m).Transposed() : Rows(a.data(), m, k), left));
          const SplitTerm term{&left, transposed ? F32(bt, n, k) : F32(b, k, n), transposed};
          std::vector<float> c(m * n, 7.0f), added = before;
          gemm.Multiply(std::span(&term, 1), c.data(), n, false);
          gemm.Multiply(std::span(&term, 1), added.data(), n, true);
          // 2^-16 is lost at most of each product, f32 rounds the sums: a bf16 product would be 2^-8 off.
          CHECK(Error(c, a, b, m, n, k) < 2e-5);
          for (size_t i = 0; i < c.size(); ++i) added[i] -= before[i];
          CHECK(Error(added, a, b, m, n, k) < 3e-5);
          if (first.empty()) first = c;
          CHECK(SameBits(c, first));
        }
      }
    }
  }
}

TEST(quantised_matrices_are_split_as_what_they_stand_for) {
  const size_t m = 40, rows = 300, cols = 512;
  for (const quant::TensorType type : {quant::TensorType::kQ4_1, quant::TensorType::kQ6_K, quant::TensorType::kF16}) {
    const std::vector<float> weights = test::Normals(rows * cols, 5), x = test::Normals(m * cols, 6),
                             dy = test::Normals(m * rows, 7);
    const size_t row_bytes = quant::RowBytes(quant::InfoOf(type), cols);
    std::vector<uint8_t> bytes(rows * row_bytes);
    std::vector<float> stored(rows * cols);
    for (size_t r = 0; r < rows; ++r) {
      REQUIRE(quant::Quantize(type, &weights[r * cols], &bytes[r * row_bytes], cols));
      quant::Dequantize(type, &bytes[r * row_bytes], &stored[r * cols], cols);
    }
    Workers workers(2);
    SplitGemm gemm(workers);
    for (const bool transposed : {true, false}) {
      const std::vector<float>& from = transposed ? x : dy;
      const size_t n = transposed ? rows : cols;
      SplitPanels left;
      CHECK(gemm.PackLeft(Rows(from.data(), m, from.size() / m), left));
      std::vector<float> y(m * n), wanted(m * n);
      // A sum of two products: of the matrix, and of what it stands for.
      const SplitTerm quantised{&left, {type, bytes.data(), rows, cols, row_bytes}, transposed};
      const SplitTerm plain{&left, F32(stored, rows, cols), transposed};
      const SplitTerm both[] = {quantised, plain}, twice[] = {plain, plain};
      gemm.Multiply(both, y.data(), n, false);
      gemm.Multiply(twice, wanted.data(), n, false);
      CHECK(SameBits(y, wanted));
    }
  }
}

ZELL_TEST_MAIN
