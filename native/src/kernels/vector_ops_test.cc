// The vector functions of every ISA: near a double-precision reference, and the same bits as scalar, tails included.
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "check.h"
#include "kernels/activations.h"
#include "kernels/kernels.h"
#include "kernels/test_data.h"

using namespace zell::kernels;

namespace {

constexpr size_t kLengths[] = {0, 1, 2, 7, 8, 9, 15, 16, 17, 31, 33, 64, 100, 576, 1537};
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

template <typename T>
bool SameBits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}
bool SameBits(float a, float b) { return std::bit_cast<uint32_t>(a) == std::bit_cast<uint32_t>(b); }

const Kernels& Scalar() { return *SupportedKernels().front(); }

std::vector<uint16_t> Halves(const std::vector<float>& x) {
  std::vector<uint16_t> h(x.size());
  for (size_t i = 0; i < x.size(); ++i) h[i] = zell::quant::F32ToF16(x[i]);
  return h;
}

/// |a - b| in units of b's last place.
double Ulps(float a, double b) {
  const float near = static_cast<float>(b);
  const double ulp = std::nextafter(std::fabs(near), kInfinity) - std::fabs(near);
  return std::fabs(a - b) / ulp;
}

}  // namespace

TEST(dot_products_are_near_double_and_the_same_on_every_isa) {
  Random random(1);
  for (size_t n : kLengths) {
    const std::vector<float> x = RandomFloats(random, n), y = RandomFloats(random, n);
    const std::vector<uint16_t> h = Halves(y);
    double sum = 0, half_sum = 0, magnitude = 0;
    for (size_t i = 0; i < n; ++i) {
      sum += double(x[i]) * y[i];
      half_sum += double(x[i]) * zell::quant::F16ToF32(h[i]);
      magnitude += std::fabs(double(x[i]) * y[i]);
    }
    // n / 16 fused additions and 4 levels of the tree, 2^-24 each.
    const double bound = (static_cast<double>(n) / 16 + 6) * std::ldexp(magnitude, -24) * 1.001;
    for (const Kernels* k : SupportedKernels()) {
      CHECK(std::fabs(k->dot_f32(x.data(), y.data(), n) - sum) <= bound);
      CHECK(std::fabs(k->dot_f16(x.data(), h.data(), n) - half_sum) <= bound);
      CHECK(SameBits(k->dot_f32(x.data(), y.data(), n), Scalar().dot_f32(x.data(), y.data(), n)));
      CHECK(SameBits(k->dot_f16(x.data(), h.data(), n), Scalar().dot_f16(x.data(), h.data(), n)));
    }
  }
}

TEST(rms_norm_is_near_double_and_may_be_in_place) {
  Random random(2);
  for (size_t n : kLengths) {
    if (n == 0) continue;
    const std::vector<float> x = RandomFloats(random, n, 3), weight = RandomFloats(random, n);
    double squares = 0;
    for (float f : x) squares += double(f) * f;
    const double scale = 1 / std::sqrt(squares / static_cast<double>(n) + 1e-5);
    std::vector<float> expected(n);
    Scalar().rms_norm(x.data(), weight.data(), expected.data(), n, 1e-5f);
    for (size_t i = 0; i < n; ++i) {
      const double want = x[i] * scale * weight[i];
      // Half the sum's error, then root, division, two products: under 60 * 2^-24 for these lengths.
      CHECK(std::fabs(expected[i] - want) <= std::fabs(want) * std::ldexp(60, -24));
    }
    for (const Kernels* k : SupportedKernels()) {
      std::vector<float> y(n), same = x;
      k->rms_norm(x.data(), weight.data(), y.data(), n, 1e-5f);
      k->rms_norm(same.data(), weight.data(), same.data(), n, 1e-5f);
      CHECK(SameBits(y, expected));
      CHECK(SameBits(same, expected));
    }
  }
}

TEST(exp_is_within_two_ulps_over_its_whole_range) {
  std::vector<float> x;
  for (double v = -87.3; v < 88.7; v += 0.00317) x.push_back(static_cast<float>(v));
  for (const Kernels* k : SupportedKernels()) {
    std::vector<float> y = x;
    k->exp_sum(y.data(), 0.0f, y.size());
    double worst = 0;
    for (size_t i = 0; i < x.size(); ++i) worst = std::fmax(worst, Ulps(y[i], std::exp(double(x[i]))));
    CHECK(worst <= 2.0);
  }
}

TEST(exp_at_the_edges) {
  const std::vector<float> x = {0.0f, -0.0f, -87.0f, -88.0f, -1e30f, -kInfinity, 88.0f, 89.0f, 1e30f, kInfinity, kNan};
  for (const Kernels* k : SupportedKernels()) {
    std::vector<float> y = x;
    k->exp_sum(y.data(), 0.0f, y.size());
    CHECK_EQ(y[0], 1.0f);
    CHECK_EQ(y[1], 1.0f);
    CHECK(y[2] > 0);
    CHECK_EQ(y[3], 0.0f);
    CHECK_EQ(y[4], 0.0f);
    CHECK_EQ(y[5], 0.0f);
    CHECK(std::isfinite(y[6]));
    CHECK_EQ(y[7], kInfinity);
    CHECK_EQ(y[8], kInfinity);
    CHECK_EQ(y[9], kInfinity);
    CHECK(std::isnan(y[10]));
  }
}

TEST(exp_sum_returns_the_sum_of_what_it_stores) {
  Random random(3);
  for (size_t n : kLengths) {
    const std::vector<float> x = RandomFloats(random, n, 5);
    std::vector<float> expected = x;
    const float expected_sum = Scalar().exp_sum(expected.data(), 4.0f, n);
    double sum = 0;
    for (float f : expected) sum += f;
    CHECK(std::fabs(expected_sum - sum) <= (static_cast<double>(n) / 16 + 5) * std::ldexp(sum, -24));
    for (const Kernels* k : SupportedKernels()) {
      std::vector<float> y = x;
      CHECK(SameBits(k->exp_sum(y.data(), 4.0f, n), expected_sum));
      CHECK(SameBits(y, expected));
    }
  }
}

TEST(silu_gates_are_near_double_and_may_be_in_place) {
  Random random(4);
  for (size_t n : kLengths) {
    std::vector<float> gate = RandomFloats(random, n, 10), up = RandomFloats(random, n);
    if (n > 8) gate[3] = -200, gate[4] = 200, gate[5] = 0, gate[6] = -kInfinity;
    std::vector<float> expected(n);
    Scalar().gate(Activation::kSilu, gate.data(), up.data(), expected.data(), n);
    for (size_t i = 0; i < n; ++i) {
      if (!std::isfinite(gate[i])) continue;
      const double want = gate[i] / (1 + std::exp(-double(gate[i]))) * up[i];
      // exp within 2 ulps, one addition, one division, one product; below the normal range exp(-g) is infinite.
      CHECK(std::fabs(expected[i] - want) <= std::fabs(want) * std::ldexp(8, -24) + 1e-34);
    }
    for (const Kernels* k : SupportedKernels()) {
      std::vector<float> y = gate;
      k->gate(Activation::kSilu, y.data(), up.data(), y.data(), n);
      for (size_t i = 0; i < n; ++i)
        CHECK(SameBits(y[i], expected[i]) || (std::isnan(y[i]) && std::isnan(expected[i])));
    }
  }
}

TEST(activations_are_near_double_and_may_be_in_place) {
  const struct {
    Activation f;
    double (*of)(double);
  } functions[] = {
      {Activation::kSilu, [](double x) { return x / (1 + std::exp(-x)); }},
      {Activation::kGelu,
       [](double x) {
         return 0.5 * x * (1 + std::tanh(std::sqrt(2 / 3.14159265358979323846) * (x + 0.044715 * x * x * x)));
       }},
      {Activation::kRelu, [](double x) { return x > 0 ? x : 0; }},
      {Activation::kReluSquared, [](double x) { return x > 0 ? x * x : 0; }},
  };
  Random random(14);
  for (const auto& [f, of] : functions) {
    for (size_t n : kLengths) {
      std::vector<float> x = RandomFloats(random, n, 4), up = RandomFloats(random, n);
      if (n > 8) x[3] = -200, x[4] = 200, x[5] = 0, x[6] = 1e-20f;
      std::vector<float> expected(n), gated(n);
      Scalar().activate(f, x.data(), expected.data(), n);
      Scalar().gate(f, x.data(), up.data(), gated.data(), n);
      for (size_t i = 0; i < n; ++i) {
        // The argument of gelu's exp, up to 30 here, is rounded a few times before exp doubles that error.
        CHECK(std::fabs(expected[i] - of(x[i])) <= std::fabs(of(x[i])) * std::ldexp(200, -24) + 1e-12);
        CHECK(SameBits(gated[i], expected[i] * up[i]));
      }
      for (const Kernels* k : SupportedKernels()) {
        std::vector<float> y = x, z = x;
        k->activate(f, y.data(), y.data(), n);
        k->gate(f, z.data(), up.data(), z.data(), n);
        CHECK(SameBits(y, expected));
        CHECK(SameBits(z, gated));
      }
    }
  }
}

TEST(layer_norm_is_near_double_and_may_be_in_place) {
  Random random(15);
  for (size_t n : kLengths) {
    if (n == 0) continue;
    const std::vector<float> x = RandomFloats(random, n, 3), w = RandomFloats(random, n), b = RandomFloats(random, n);
    double mean = 0, variance = 0;
    for (float f : x) mean += f / static_cast<double>(n);
    for (float f : x) variance += (f - mean) * (f - mean) / static_cast<double>(n);
    for (const float* weight : {w.data(), static_cast<const float*>(nullptr)}) {
      for (const float* bias : {b.data(), static_cast<const float*>(nullptr)}) {
        std::vector<float> expected(n + 1, 7.0f);
        Scalar().layer_norm(x.data(), weight, bias, expected.data(), n, 1e-5f);
        for (size_t i = 0; i < n; ++i) {
          const double want = (x[i] - mean) / std::sqrt(variance + 1e-5) * (weight != nullptr ? w[i] : 1.0) +
                              (bias != nullptr ? b[i] : 0.0);
          CHECK(std::fabs(expected[i] - want) <= 1e-4);
        }
        CHECK_EQ(expected[n], 7.0f);
        for (const Kernels* k : SupportedKernels()) {
          std::vector<float> same = x;
          k->layer_norm(same.data(), weight, bias, same.data(), n, 1e-5f);
          CHECK(std::memcmp(same.data(), expected.data(), n * sizeof(float)) == 0);
        }
      }
    }
  }
}

TEST(soft_caps_and_scales_are_near_double) {
  Random random(16);
  for (size_t n : kLengths) {
    std::vector<float> x = RandomFloats(random, n, 60);
    if (n > 8) x[3] = -1e9f, x[4] = 1e9f, x[5] = 0, x[6] = kInfinity;
    std::vector<float> expected = x;
    Scalar().soft_cap(expected.data(), 30.0f, n);
    for (size_t i = 0; i < n; ++i) CHECK(std::fabs(expected[i] - 30.0 * std::tanh(x[i] / 30.0)) <= 3e-5);
    for (const Kernels* k : SupportedKernels()) {
      std::vector<float> y = x, scaled = x;
      k->soft_cap(y.data(), 30.0f, n);
      CHECK(SameBits(y, expected));
      k->scale(scaled.data(), 0.3f, n);
      for (size_t i = 0; i < n; ++i) CHECK(SameBits(scaled[i], 0.3f * x[i]));
    }
  }
}

TEST(additions_and_conversions_give_the_bits_of_scalar_and_touch_nothing_else) {
  Random random(5);
  for (size_t n : kLengths) {
    const std::vector<float> x = RandomFloats(random, n), y = RandomFloats(random, n + 1);
    const std::vector<uint16_t> h = Halves(x);
    for (const Kernels* k : SupportedKernels()) {
      std::vector<float> sum = y, scaled = y, scaled_half = y, wide = y;
      std::vector<uint16_t> narrow(n + 1, 77);
      k->add(sum.data(), x.data(), n);
      k->axpy(scaled.data(), x.data(), 0.37f, n);
      k->axpy_f16(scaled_half.data(), h.data(), 0.37f, n);
      k->f16_to_f32(h.data(), wide.data(), n);
      k->f32_to_f16(x.data(), narrow.data(), n);
      for (size_t i = 0; i < n; ++i) {
        CHECK(SameBits(sum[i], y[i] + x[i]));
        CHECK(SameBits(scaled[i], std::fma(0.37f, x[i], y[i])));
        CHECK(SameBits(scaled_half[i], std::fma(0.37f, zell::quant::F16ToF32(h[i]), y[i])));
        CHECK(SameBits(wide[i], zell::quant::F16ToF32(h[i])));
        CHECK_EQ(narrow[i], h[i]);
      }
      for (const std::vector<float>* out : {&sum, &scaled, &scaled_half, &wide}) CHECK(SameBits((*out)[n], y[n]));
      CHECK_EQ(narrow[n], 77);
    }
  }
}

TEST(f16_conversions_agree_on_every_pattern_and_at_the_edges) {
  std::vector<uint16_t> all(65536);
  for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<uint16_t>(i);
  const std::vector<float> edges = {65504,      65519, 65520,   1e6f,    -1e6f, kInfinity,
                                    -kInfinity, 6e-8f, 2.9e-8f, 6.1e-5f, -0.0f};
  for (const Kernels* k : SupportedKernels()) {
    std::vector<float> wide(all.size());
    std::vector<uint16_t> back(all.size());
    k->f16_to_f32(all.data(), wide.data(), all.size());
    k->f32_to_f16(wide.data(), back.data(), all.size());
    for (size_t i = 0; i < all.size(); ++i) {
      const bool nan = (i & 0x7fff) > 0x7c00;
      CHECK(nan ? std::isnan(wide[i]) : SameBits(wide[i], zell::quant::F16ToF32(all[i])));
      CHECK(nan ? (back[i] & 0x7fff) > 0x7c00 : back[i] == all[i]);
    }
    std::vector<uint16_t> narrow(edges.size());
    k->f32_to_f16(edges.data(), narrow.data(), edges.size());
    for (size_t i = 0; i < edges.size(); ++i) CHECK_EQ(narrow[i], zell::quant::F32ToF16(edges[i]));
  }
}

TEST(quantised_columns_are_the_same_bytes_on_every_isa) {
  Random random(6);
  for (ActivationFormat format : {ActivationFormat::kF32, ActivationFormat::kQ8, ActivationFormat::kQ8K}) {
    for (size_t k : {size_t{256}, size_t{1536}}) {
      for (float spread : {1.0f, 1e-20f, 1e20f, 1e-38f}) {
        std::vector<float> x = RandomFloats(random, k, spread);
        for (size_t i = 32; i < 64; ++i) x[i] = 0;
        x[100] = 0.5f;
        std::vector<uint8_t> expected(ActivationBytes(format, k)), y(expected.size());
        Scalar().quantize(format, x.data(), expected.data(), k);
        for (const Kernels* kernels : SupportedKernels()) {
          kernels->quantize(format, x.data(), y.data(), k);
          CHECK(SameBits(y, expected));
        }
      }
    }
  }
}

TEST(quantised_values_are_within_half_a_step_and_sums_are_theirs) {
  Random random(7);
  const std::vector<float> x = RandomFloats(random, 256);
  for (const Kernels* kernels : SupportedKernels()) {
    Q8Record small[8];
    Q8KRecord super;
    kernels->quantize(ActivationFormat::kQ8, x.data(), small, 256);
    kernels->quantize(ActivationFormat::kQ8K, x.data(), &super, 256);
    for (int b = 0; b < 8; ++b) {
      int sum = 0, super_sum = 0;
      for (int i = 0; i < 32; ++i) {
        sum += small[b].q[i];
        super_sum += super.q[b * 32 + i];
        CHECK(std::fabs(small[b].scale * small[b].q[i] - x[b * 32 + i]) <= small[b].scale * 0.50001f);
        CHECK(std::fabs(super.scale * super.q[b * 32 + i] - x[b * 32 + i]) <= super.scale * 0.50001f);
      }
      CHECK_EQ(small[b].neg_sum, -sum);
      CHECK_EQ(small[b].scaled_sum, small[b].scale * static_cast<float>(sum));
      CHECK_EQ(super.sum32[PairOrder(b)], -8 * super_sum);
      CHECK_EQ(super.sum16[PairOrder(2 * b)] + super.sum16[PairOrder(2 * b + 1)], -4 * super_sum);
      CHECK_EQ(super.sixteens[2 * b] + super.sixteens[2 * b + 1], -16 * super_sum);
      CHECK_EQ(super.eights[4 * b] + super.eights[4 * b + 1] + super.eights[4 * b + 2] + super.eights[4 * b + 3],
               -32 * super_sum);
      int first = 0;
      for (int i = 0; i < 8; ++i) first += super.q[b * 32 + i];
      CHECK_EQ(super.eights[4 * b], -32 * first);
      CHECK_EQ(super.sixteens[2 * b] * 2, super.eights[4 * b] + super.eights[4 * b + 1]);
      CHECK_EQ(super.sum16[PairOrder(2 * b)] * 4, super.sixteens[2 * b]);
    }
  }
}

TEST(zeros_quantise_to_zero_and_what_is_not_finite_shows) {
  for (const Kernels* kernels : SupportedKernels()) {
    std::vector<float> x(256, 0.0f);
    Q8Record r[8];
    Q8KRecord super;
    kernels->quantize(ActivationFormat::kQ8, x.data(), r, 256);
    CHECK_EQ(r[0].scale, 0.0f);
    CHECK_EQ(r[0].q[5], 0);
    for (float bad : {kNan, -kNan, kInfinity, -kInfinity}) {
      x[40] = bad;
      x[41] = 1;
      kernels->quantize(ActivationFormat::kQ8, x.data(), r, 256);
      kernels->quantize(ActivationFormat::kQ8K, x.data(), &super, 256);
      CHECK_EQ(r[0].scale, 0.0f);
      CHECK(std::isnan(r[1].scale));
      CHECK_EQ(r[1].q[8], 0);
      CHECK(std::isnan(super.scale));
    }
    x[40] = 3.4e38f;  // the largest that fits: no overflow on the way
    kernels->quantize(ActivationFormat::kQ8, x.data(), r, 256);
    CHECK_EQ(r[1].q[8], 127);
    CHECK(std::isfinite(r[1].scale));
  }
}

TEST(a_column_with_nan_gives_nan_products_and_does_not_crash) {
  Random random(8);
  for (zell::quant::TensorType type : kAllTypes) {
    const size_t k = 256;
    const std::vector<uint8_t> w = RandomWeights(random, type, k * 5);
    std::vector<float> x = RandomFloats(random, k);
    x[10] = kNan;
    for (const Kernels* kernels : SupportedKernels()) {
      zell::base::AlignedBuffer<uint8_t> column(ActivationBytes(FormatFor(type), k));
      kernels->quantize(FormatFor(type), x.data(), column.data(), k);
      float y[5];
      kernels->matmul(type, {w.data(), w.size() / 5, 5, column.data(), column.size(), 1, k, y, 5});
      for (float f : y) CHECK(std::isnan(f));
    }
  }
}

ZELL_TEST_MAIN
