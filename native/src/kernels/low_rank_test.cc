// The low-rank addition of every ISA: near double precision, the same bits as scalar, whatever the tiles.
#include <cmath>
#include <cstring>
#include <vector>

#include "check.h"
#include "kernels/kernels.h"
#include "kernels/test_data.h"

using namespace zell::kernels;
namespace quant = zell::quant;

namespace {

struct Case {
  size_t rank, rows, cols;
  LowRankType type;
  std::vector<uint8_t> panels;
  std::vector<double> b;  ///< [rows][rank] as the panels say
  std::vector<float> u, scales, y;

  Case(size_t rank_, size_t rows_, size_t cols_, LowRankType type_)
      : rank(rank_), rows(rows_), cols(cols_), type(type_), b(rank * rows) {
    Random random(static_cast<unsigned>(rank * 1000 + rows * 10 + cols));
    const std::vector<float> numbers = RandomFloats(random, rank * rows), row_scales = RandomFloats(random, rows);
    const size_t panel_bytes = LowRankPanelBytes(type, rank);
    panels.resize((rows + kLowRankRows - 1) / kLowRankRows * panel_bytes);
    for (size_t r = 0; r < rows; ++r) {
      uint8_t* panel = panels.data() + r / kLowRankRows * panel_bytes;
      const size_t in_panel = r % kLowRankRows;
      const uint16_t row_scale = quant::F32ToF16(row_scales[r]);
      if (type == LowRankType::kInt8) std::memcpy(panel + in_panel * 2, &row_scale, 2);
      uint8_t* values = panel + LowRankScaleBytes(type);
      for (size_t j = 0; j < rank; ++j) {
        const float x = numbers[r * rank + j];
        const size_t at = j * kLowRankRows + in_panel;
        if (type == LowRankType::kF32) {
          std::memcpy(values + at * 4, &x, 4);
          b[r * rank + j] = x;
        } else if (type == LowRankType::kF16) {
          const uint16_t h = quant::F32ToF16(x);
          std::memcpy(values + at * 2, &h, 2);
          b[r * rank + j] = quant::F16ToF32(h);
        } else {
          const int8_t q = static_cast<int8_t>(static_cast<int>(x * 1000) % 128);
          values[at] = static_cast<uint8_t>(q);
          b[r * rank + j] = double(q) * quant::F16ToF32(row_scale);
        }
      }
    }
    u = RandomFloats(random, rank * cols);
    scales = RandomFloats(random, cols);
    y = RandomFloats(random, rows * cols);
  }

  LowRankArgs Args(float* out) const {
    LowRankArgs a{};
    a.b = panels.data();
    a.type = type;
    a.rank = rank;
    a.rows = rows;
    a.u = u.data();
    a.u_stride = rank;
    a.scales = scales.data();
    a.factor = 0.5f;
    a.cols = cols;
    a.y = out;
    a.y_stride = rows;
    return a;
  }
};

bool SameBits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

}  // namespace

TEST(every_isa_is_near_double_and_gives_the_bits_of_scalar) {
  for (const LowRankType type : {LowRankType::kF32, LowRankType::kF16, LowRankType::kInt8}) {
    for (const size_t rank : {1, 3, 8, 16, 65}) {
      for (const size_t rows : {1, 15, 16, 17, 32, 100}) {
        for (const size_t cols : {1, 2, 7, 19}) {
          const Case c(rank, rows, cols, type);
          std::vector<float> expected = c.y;
          SupportedKernels().front()->add_low_rank(c.Args(expected.data()));
          for (size_t col = 0; col < cols; ++col) {
            for (size_t r = 0; r < rows; ++r) {
              double sum = 0, magnitude = 0;
              for (size_t j = 0; j < rank; ++j) {
                const double product = double(c.u[col * rank + j]) * c.b[r * rank + j];
                sum += product;
                magnitude += std::fabs(product);
              }
              const double s = double(c.scales[col]) * 0.5, y = c.y[col * rows + r];
              // One rounding for each product, one for the row's scale and one for the scale and the sum.
              const double bound = (double(rank) + 4) * std::ldexp(std::fabs(s) * magnitude + std::fabs(y), -24);
              CHECK(std::fabs(expected[col * rows + r] - (y + s * sum)) <= bound);
            }
          }
          for (const Kernels* k : SupportedKernels()) {
            std::vector<float> y = c.y;
            k->add_low_rank(c.Args(y.data()));
            if (!SameBits(y, expected)) CHECK_EQ(k->name, "the bits of scalar");
          }
        }
      }
    }
  }
}

TEST(parts_of_rows_and_columns_give_the_same_bits) {
  const Case c(8, 96, 6, LowRankType::kInt8);
  for (const Kernels* k : SupportedKernels()) {
    std::vector<float> whole = c.y, parts = c.y;
    k->add_low_rank(c.Args(whole.data()));
    for (size_t row = 0; row < 96; row += 32) {
      for (size_t col = 0; col < 6; ++col) {
        LowRankArgs a = c.Args(parts.data() + col * 96 + row);
        a.b += row / kLowRankRows * LowRankPanelBytes(c.type, c.rank);
        a.rows = 32;
        a.u += col * 8;
        a.scales += col;
        a.cols = 1;
        k->add_low_rank(a);
      }
    }
    CHECK(SameBits(whole, parts));
  }
}

ZELL_TEST_MAIN
