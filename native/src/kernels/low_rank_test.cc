// The low-rank addition of every ISA: near double precision, the same bits as scalar, whatever the tiles.
#include <cmath>
#include <cstring>
#include <vector>

#include "check.h"
#include "kernels/kernels.h"
#include "kernels/test_data.h"

using namespace zell::kernels;

namespace {

struct Case {
  size_t rank, rows, cols;
  bool half;
  std::vector<float> b, u, scales, y;
  std::vector<uint16_t> b_half;

  Case(size_t rank_, size_t rows_, size_t cols_, bool half_) : rank(rank_), rows(rows_), cols(cols_), half(half_) {
    Random random(static_cast<unsigned>(rank * 1000 + rows * 10 + cols));
    b = RandomFloats(random, rank * rows);
    u = RandomFloats(random, rank * cols);
    scales = RandomFloats(random, cols);
    y = RandomFloats(random, rows * cols);
    for (float& x : b) {
      b_half.push_back(zell::quant::F32ToF16(x));
      if (half) x = zell::quant::F16ToF32(b_half.back());
    }
  }

  LowRankArgs Args(float* out) const {
    LowRankArgs a{};
    a.b = half ? reinterpret_cast<const uint8_t*>(b_half.data()) : reinterpret_cast<const uint8_t*>(b.data());
    a.b_stride = rows * (half ? 2 : 4);
    a.half = half;
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
  for (const bool half : {false, true}) {
    for (const size_t rank : {1, 3, 8, 16, 65}) {
      for (const size_t rows : {1, 15, 16, 17, 64, 100}) {
        for (const size_t cols : {1, 2, 4, 7}) {
          const Case c(rank, rows, cols, half);
          std::vector<float> expected = c.y;
          SupportedKernels().front()->add_low_rank(c.Args(expected.data()));
          for (size_t col = 0; col < cols; ++col) {
            for (size_t r = 0; r < rows; ++r) {
              double sum = 0, magnitude = 0;
              for (size_t j = 0; j < rank; ++j) {
                const double product = double(c.u[col * rank + j]) * c.b[j * rows + r];
                sum += product;
                magnitude += std::fabs(product);
              }
              const double s = double(c.scales[col]) * 0.5, y = c.y[col * rows + r];
              // One rounding for each product and one for the scale and the sum.
              const double bound = (double(rank) + 3) * std::ldexp(std::fabs(s) * magnitude + std::fabs(y), -24);
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
  const Case c(8, 96, 6, true);
  for (const Kernels* k : SupportedKernels()) {
    std::vector<float> whole = c.y, parts = c.y;
    k->add_low_rank(c.Args(whole.data()));
    for (size_t row = 0; row < 96; row += 32) {
      for (size_t col = 0; col < 6; ++col) {
        LowRankArgs a = c.Args(parts.data() + col * 96 + row);
        a.b += row * 2;
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
