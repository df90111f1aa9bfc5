// Products against a plain loop; the same bits for every thread count and instruction set.
#include "train/gemm.h"

#include <cstring>

#include "base/cpu.h"
#include "check.h"
#include "kernels/kernels.h"
#include "random.h"

using namespace zell;
using train::Gemm;
using train::GemmKernels;
using train::Panels;
using train::Rows;
using train::Term;
using train::Workers;

namespace {

std::vector<const GemmKernels*> Supported() {
  std::vector<const GemmKernels*> all = {&train::ScalarGemm()};
  if (&train::ActiveGemm() != all[0]) all.push_back(&train::ActiveGemm());
#if defined(__x86_64__)
  for (const kernels::Kernels* k : kernels::SupportedKernels()) {
    if (k->isa == kernels::Isa::kAvx2) all.push_back(&train::Avx2Gemm());
  }
#endif
  return all;
}

void CheckClose(const std::vector<float>& c, const std::vector<double>& wanted, double tolerance) {
  for (size_t i = 0; i < c.size(); ++i) {
    if (std::fabs(c[i] - wanted[i]) > tolerance) {
      CHECK_EQ(static_cast<double>(c[i]), wanted[i]);
      return;
    }
  }
}

std::vector<double> Plain(const std::vector<float>& a, const std::vector<float>& b, size_t m, size_t n, size_t k) {
  std::vector<double> c(m * n);
  for (size_t i = 0; i < m; ++i) {
    for (size_t p = 0; p < k; ++p) {
      for (size_t j = 0; j < n; ++j) c[i * n + j] += double(a[i * k + p]) * b[p * n + j];
    }
  }
  return c;
}

}  // namespace

TEST(products_are_right_at_all_edges_on_every_instruction_set) {
  const size_t sizes[][3] = {{1, 1, 1}, {14, 32, 300}, {15, 16, 7}, {37, 33, 257}, {60, 70, 513}, {5, 8, 64}};
  for (const GemmKernels* kernels : Supported()) {
    for (const auto& [m, n, k] : sizes) {
      const std::vector<float> a = test::Normals(m * k, 1), b = test::Normals(k * n, 2);
      const std::vector<double> wanted = Plain(a, b, m, n, k);
      // |sum| < 5 sqrt(k); f32 rounds k + k / 256 times, and each error is far below the largest.
      const double tolerance = 1e-6 * static_cast<double>(k) + 1e-6;
      Workers workers(3);
      Gemm gemm(workers, *kernels);
      std::vector<float> c(m * n, 7.0f), serial = c;
      CHECK(gemm.Multiply(Rows(a.data(), m, k), Rows(b.data(), k, n), c.data(), n, false));
      CheckClose(c, wanted, tolerance);
      train::SerialGemm alone(*kernels);
      alone.Multiply(Rows(a.data(), m, k), Rows(b.data(), k, n), serial.data(), n, false);
      CHECK(std::memcmp(c.data(), serial.data(), c.size() * sizeof(float)) == 0);
      // Added twice, through transposed views of transposed memory.
      std::vector<float> at(k * m), bt(n * k);
      for (size_t i = 0; i < m; ++i) {
        for (size_t p = 0; p < k; ++p) at[p * m + i] = a[i * k + p];
      }
      for (size_t p = 0; p < k; ++p) {
        for (size_t j = 0; j < n; ++j) bt[j * k + p] = b[p * n + j];
      }
      CHECK(gemm.Multiply(Rows(at.data(), k, m).Transposed(), Rows(bt.data(), n, k).Transposed(), serial.data(), n,
                          true));
      std::vector<double> twice = wanted;
      for (double& x : twice) x *= 2;
      CheckClose(serial, twice, 2 * tolerance);
    }
  }
}

TEST(bits_do_not_depend_on_threads_or_instruction_set) {
  const size_t m = 61, n = 90, k = 600;
  const std::vector<float> a = test::Normals(m * k, 3), b = test::Normals(k * n, 4);
  std::vector<float> first;
  for (const GemmKernels* kernels : Supported()) {
    for (const int threads : {1, 2, 5}) {
      Workers workers(threads);
      Gemm gemm(workers, *kernels);
      std::vector<float> c(m * n);
      CHECK(gemm.Multiply(Rows(a.data(), m, k), Rows(b.data(), k, n), c.data(), n, false));
      if (first.empty()) first = c;
      CHECK(std::memcmp(c.data(), first.data(), c.size() * sizeof(float)) == 0);
    }
  }
}

TEST(quantised_rows_are_multiplied_as_what_they_stand_for) {
  const size_t m = 20, rows = 70, cols = 512;
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
    const train::QuantRows w{type, bytes.data(), rows, cols, row_bytes};
    Workers workers(2);
    Gemm gemm(workers);
    Panels left, right;
    // y = x W^T in two parts.
    std::vector<float> y(m * rows), wanted(m * rows);
    CHECK(gemm.PackLeft(Rows(x.data(), m, cols), left));
    const Term term{&left, &right};
    CHECK(gemm.PackRightTransposed(w, 0, 40, right));
    gemm.Multiply(std::span(&term, 1), y.data(), rows, false);
    CHECK(gemm.PackRightTransposed(w, 40, 30, right));
    gemm.Multiply(std::span(&term, 1), y.data() + 40, rows, false);
    CHECK(gemm.Multiply(Rows(x.data(), m, cols), Rows(stored.data(), rows, cols).Transposed(), wanted.data(), rows,
                        false));
    CHECK(std::memcmp(y.data(), wanted.data(), y.size() * sizeof(float)) == 0);
    // dx = dy W.
    std::vector<float> dx(m * cols), dwanted(m * cols);
    CHECK(gemm.PackLeft(Rows(dy.data(), m, rows), left));
    CHECK(gemm.PackRightRows(w, 0, rows, right));
    gemm.Multiply(std::span(&term, 1), dx.data(), cols, false);
    CHECK(gemm.Multiply(Rows(dy.data(), m, rows), Rows(stored.data(), rows, cols), dwanted.data(), cols, false));
    CHECK(std::memcmp(dx.data(), dwanted.data(), dx.size() * sizeof(float)) == 0);
  }
}

ZELL_TEST_MAIN
