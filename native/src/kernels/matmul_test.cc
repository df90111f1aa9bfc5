// Products of every type on every ISA: against a double-precision reference, and bit for bit over widths, splits, ISAs.
#include <cmath>
#include <cstring>
#include <vector>

#include "check.h"
#include "kernels/kernels.h"
#include "kernels/test_data.h"

using namespace zell::kernels;
using zell::quant::InfoOf;
using zell::quant::RowBytes;
using zell::quant::TensorType;

namespace {

constexpr float kUntouched = 12345.0f;

/// One product and all that it needs; rows begin at an odd address and strides are odd.
struct Problem {
  TensorType type;
  size_t rows, cols, k;
  size_t w_stride;
  std::vector<uint8_t> w;  ///< row r at 1 + r * w_stride
  Columns x;

  Problem(Random& random, TensorType t, size_t rows_, size_t cols_, size_t k_)
      : type(t), rows(rows_), cols(cols_), k(k_), w_stride(RowBytes(InfoOf(t), k_) + 3), w(1 + rows_ * w_stride) {
    for (size_t r = 0; r < rows; ++r) {
      const std::vector<uint8_t> row = RandomWeights(random, type, k);
      std::memcpy(&w[1 + r * w_stride], row.data(), row.size());
    }
    // The last row ends where the allocation ends: under AddressSanitizer a read past a row is an error.
    w.resize(1 + (rows - 1) * w_stride + RowBytes(InfoOf(type), k));
    w.shrink_to_fit();
    x = RandomColumns(random, *SupportedKernels().front(), FormatFor(type), k, cols);
  }

  /// Rows [r0, r1) times columns [c0, c1) into y, [cols, y_stride].
  void Run(const Kernels& kernels, size_t r0, size_t r1, size_t c0, size_t c1, std::vector<float>& y,
           size_t y_stride) const {
    kernels.matmul(type, {w.data() + 1 + r0 * w_stride, w_stride, r1 - r0, x.bytes.data() + c0 * x.stride, x.stride,
                          c1 - c0, k, y.data() + c0 * y_stride + r0, y_stride});
  }
  std::vector<float> RunAll(const Kernels& kernels) const {
    std::vector<float> y(rows * cols, kUntouched);
    Run(kernels, 0, rows, 0, cols, y, rows);
    return y;
  }
};

bool SameBits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

std::string Label(const Kernels& kernels, const Problem& p) {
  return std::string(kernels.name) + " " + InfoOf(p.type).name + " rows " + std::to_string(p.rows) + " cols " +
         std::to_string(p.cols) + " k " + std::to_string(p.k);
}

/// Block lengths 1 … 4 and one that spans several panels; a tail of every length for the float types.
std::vector<size_t> Lengths(TensorType type) {
  const size_t block = InfoOf(type).block_weights;
  if (block == 1) return {1, 7, 15, 16, 17, 33, 576};
  return {block, 2 * block, 3 * block, 4 * block, block < 256 ? 1536 + block : size_t{2304}};
}

/// Error bounds, with W = sum |w x| and X = max |x| of the scale's block:
/// - quantisation: |x - scale * q| <= scale / 2 = X / 254, so sum |w| * X / 254 (exact products of exact integers);
/// - f32: fewer than 2 k + 8 roundings of partial sums, each below 2^-24 of what they sum, which offsets and mins
///   inflate over W: |scale * u * x| + |min * x| <= sum |x| * (|w| + 2 |min part|); 2^-24 * 2 k * 40 * sum|w| X covers
///   it.
double Tolerance(TensorType type, double sum_abs_w, double max_x, double sum_abs_wx, size_t k) {
  const double rounding = std::ldexp(2.0 * static_cast<double>(k) + 8, -24);
  if (FormatFor(type) == ActivationFormat::kF32) return rounding * sum_abs_wx + 1e-30;
  return sum_abs_w * max_x * (1.0 / 254 + 1e-6) + rounding * 40 * sum_abs_w * max_x;
}

void CheckAgainstDouble(const Kernels& kernels, const Problem& p) {
  const std::vector<float> y = p.RunAll(kernels);
  std::vector<float> w(p.k);
  for (size_t r = 0; r < p.rows; ++r) {
    Dequantize(p.type, p.w.data() + 1 + r * p.w_stride, w.data(), p.k);
    for (size_t c = 0; c < p.cols; ++c) {
      double sum = 0, sum_abs_w = 0, sum_abs_wx = 0, max_x = 0;
      for (size_t i = 0; i < p.k; ++i) {
        const double x = p.x.values[c * p.k + i];
        sum += w[i] * x;
        sum_abs_w += std::fabs(w[i]);
        sum_abs_wx += std::fabs(w[i] * x);
        max_x = std::fmax(max_x, std::fabs(x));
      }
      const double error = std::fabs(y[c * p.rows + r] - sum);
      if (!(error <= Tolerance(p.type, sum_abs_w, max_x, sum_abs_wx, p.k))) {
        return zell::test::Fail(__FILE__, __LINE__, Label(kernels, p) + ": error " + std::to_string(error));
      }
    }
  }
}

/// The exact reference on what the kernels really multiply: quantised x as doubles. Only f32 rounding remains, so this
/// is far tighter than CheckAgainstDouble.
std::vector<double> QuantisedColumn(const Problem& p, size_t c) {
  // A row of F32-exact unit vectors is not available for every format, so the column is read back through its format's
  // definition: the value nearest to x on the grid scale = max / 127 of its block of 32 or 256.
  std::vector<double> x(p.k);
  const size_t block = FormatFor(p.type) == ActivationFormat::kQ8 ? 32 : 256;
  for (size_t b = 0; b < p.k; b += block) {
    const float* v = &p.x.values[c * p.k + b];
    float largest = 0;
    for (size_t i = 0; i < block; ++i) largest = std::fmax(largest, std::fabs(v[i]));
    for (size_t i = 0; i < block; ++i) x[b + i] = double(largest / 127.0f) * std::nearbyint(v[i] * (127.0f / largest));
  }
  return x;
}

}  // namespace

TEST(every_type_isa_and_length_is_close_to_double) {
  Random random(1);
  for (TensorType type : kAllTypes) {
    for (size_t k : Lengths(type)) {
      for (size_t cols : {size_t{1}, size_t{2}, size_t{3}, size_t{5}}) {
        const Problem p(random, type, 19, cols, k);
        for (const Kernels* kernels : SupportedKernels()) CheckAgainstDouble(*kernels, p);
      }
    }
  }
}

TEST(products_with_the_quantised_column_are_exact_but_for_f32_rounding) {
  Random random(2);
  for (TensorType type : kAllTypes) {
    if (FormatFor(type) == ActivationFormat::kF32) continue;
    const size_t k = InfoOf(type).block_weights * 3;
    const Problem p(random, type, 17, 2, k);
    std::vector<float> w(k);
    for (const Kernels* kernels : SupportedKernels()) {
      const std::vector<float> y = p.RunAll(*kernels);
      for (size_t c = 0; c < p.cols; ++c) {
        const std::vector<double> x = QuantisedColumn(p, c);
        for (size_t r = 0; r < p.rows; ++r) {
          Dequantize(type, p.w.data() + 1 + r * p.w_stride, w.data(), k);
          double sum = 0, magnitude = 0;
          for (size_t i = 0; i < k; ++i) {
            sum += w[i] * x[i];
            magnitude += std::fabs(w[i] * x[i]);
          }
          // Dequantize rounds every weight (2^-24 each, twice); kernels round per group. 64 covers mins and offsets.
          CHECK(std::fabs(y[c * p.rows + r] - sum) <= magnitude * std::ldexp(64, -24));
        }
      }
    }
  }
}

TEST(every_isa_gives_the_bits_of_scalar) {
  Random random(3);
  for (TensorType type : kAllTypes) {
    for (size_t k : Lengths(type)) {
      const Problem p(random, type, 37, 14, k);
      const std::vector<float> expected = p.RunAll(*SupportedKernels().front());
      for (const Kernels* kernels : SupportedKernels()) {
        if (!SameBits(expected, p.RunAll(*kernels))) zell::test::Fail(__FILE__, __LINE__, Label(*kernels, p));
      }
    }
  }
}

TEST(rows_and_columns_1_to_17_never_change_a_bit_and_stay_in_their_place) {
  Random random(4);
  for (TensorType type : kAllTypes) {
    const size_t block = InfoOf(type).block_weights, k = block > 32 ? 2 * block : 96;
    const Problem p(random, type, 17, 17, k);
    const std::vector<float> expected = p.RunAll(*SupportedKernels().front());
    for (const Kernels* kernels : SupportedKernels()) {
      for (size_t rows = 1; rows <= 17; ++rows) {
        for (size_t cols = 1; cols <= 17; ++cols) {
          std::vector<float> y(p.rows * p.cols, kUntouched);
          p.Run(*kernels, 17 - rows, 17, 0, cols, y, p.rows);
          bool same = true;
          for (size_t i = 0; i < y.size(); ++i) {
            const bool inside = i % 17 >= 17 - rows && i / 17 < cols;
            const float want = inside ? expected[i] : kUntouched;
            same &= std::memcmp(&y[i], &want, sizeof want) == 0;
          }
          if (!same) {
            return zell::test::Fail(__FILE__, __LINE__,
                                    Label(*kernels, p) + " part " + std::to_string(rows) + "x" + std::to_string(cols));
          }
        }
      }
    }
  }
}

TEST(up_to_64_columns_never_change_a_bit) {
  Random random(8);
  for (TensorType type : kAllTypes) {
    const Problem p(random, type, 35, 64, InfoOf(type).block_weights == 1 ? 33 : 256);
    const std::vector<float> expected = p.RunAll(*SupportedKernels().front());
    for (const Kernels* kernels : SupportedKernels()) {
      for (size_t cols :
           {size_t{18}, size_t{31}, size_t{32}, size_t{33}, size_t{47}, size_t{48}, size_t{63}, size_t{64}}) {
        std::vector<float> y(p.rows * cols);
        p.Run(*kernels, 0, p.rows, 0, cols, y, p.rows);
        if (!SameBits(std::vector<float>(expected.begin(), expected.begin() + static_cast<ptrdiff_t>(y.size())), y)) {
          zell::test::Fail(__FILE__, __LINE__, Label(*kernels, p) + " first " + std::to_string(cols));
        }
      }
    }
  }
}

TEST(model_shapes_split_over_rows_and_columns_give_the_same_bits) {
  Random random(5);
  for (TensorType type : {TensorType::kQ4_1, TensorType::kQ8_0, TensorType::kQ4_K, TensorType::kF16, TensorType::kNVFP4,
                          TensorType::kIQ4_XS}) {
    const size_t k = InfoOf(type).block_weights == 256 ? 1536 : 576;
    const Problem p(random, type, 192, 70, k);
    for (const Kernels* kernels : SupportedKernels()) {
      const std::vector<float> expected = p.RunAll(*kernels);
      std::vector<float> y(p.rows * p.cols, kUntouched);
      for (size_t r = p.rows; r > 0; r -= 64) {  // back to front
        for (size_t c = 0; c < p.cols; c += 7) p.Run(*kernels, r - 64, r, c, c + 7, y, p.rows);
      }
      if (!SameBits(expected, y)) zell::test::Fail(__FILE__, __LINE__, Label(*kernels, p));
    }
  }
}

TEST(wide_batches_over_several_panels_and_chunks_give_the_same_bits) {
  Random random(7);
  for (TensorType type : kAllTypes) {
    // Row and column counts that no tile divides, and more weights than a panel holds.
    const Problem p(random, type, 83, 41, InfoOf(type).block_weights == 256 ? 1280 : 832);
    const Kernels& plain = *SupportedKernels()[SupportedKernels().size() > 1 ? 1 : 0];  // scalar would take seconds
    const std::vector<float> expected = p.RunAll(plain);
    for (const Kernels* kernels : SupportedKernels()) {
      if (kernels == SupportedKernels().front()) continue;
      if (!SameBits(expected, p.RunAll(*kernels))) zell::test::Fail(__FILE__, __LINE__, Label(*kernels, p));
    }
  }
}

TEST(extreme_weights_do_not_overflow_the_integer_sums) {
  // All bits set, and for Q8_0 also -128 everywhere, times columns that quantise to +-127 throughout.
  Random random(6);
  for (TensorType type : kAllTypes) {
    if (FormatFor(type) == ActivationFormat::kF32) continue;
    for (uint8_t fill : {0xff, 0x80, 0x7f, 0x00}) {
      const size_t k = 256;
      Problem p(random, type, 16, 5, k);
      const size_t block = InfoOf(type).block_bytes;
      for (size_t r = 0; r < p.rows; ++r) {
        uint8_t* row = &p.w[1 + r * p.w_stride];
        std::memset(row, fill, RowBytes(InfoOf(type), k));
        for (size_t at = 0; at < RowBytes(InfoOf(type), k); at += block) PutScales(type, row + at, 0.01f, 0.01f);
      }
      for (size_t c = 0; c < p.cols; ++c) {
        for (size_t i = 0; i < k; ++i) {
          p.x.values[c * k + i] = c == 0 ? 1.0f : c == 1 ? -1.0f : (i / c) % 2 == 0 ? 1.0f : -1.0f;
        }
        SupportedKernels().front()->quantize(FormatFor(type), &p.x.values[c * k], p.x.bytes.data() + c * p.x.stride, k);
      }
      const std::vector<float> expected = p.RunAll(*SupportedKernels().front());
      for (const Kernels* kernels : SupportedKernels()) {
        CheckAgainstDouble(*kernels, p);
        if (!SameBits(expected, p.RunAll(*kernels))) zell::test::Fail(__FILE__, __LINE__, Label(*kernels, p));
      }
    }
  }
}

ZELL_TEST_MAIN
