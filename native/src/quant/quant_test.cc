// Block layouts by hand-made blocks, exact half floats, and error bounds of the quantisers.
#include <bit>
#include <cmath>
#include <random>
#include <vector>

#include "check.h"
#include "quant/blocks.h"
#include "quant/codebooks.h"
#include "quant/packing.h"

namespace zell::quant {
namespace {

constexpr uint16_t kOne = 0x3c00, kTwo = 0x4000, kHalf = 0x3800;  // as f16

template <typename Block>
std::vector<float> Weights(TensorType type, const Block& block) {
  std::vector<float> y(InfoOf(type).block_weights);
  Dequantize(type, &block, y.data(), y.size());
  return y;
}

TEST(TypesAreFoundByTheirGgufNumbers) {
  REQUIRE(FindType(12) != nullptr);
  CHECK_EQ(std::string(FindType(12)->name), "Q4_K");
  CHECK_EQ(RowBytes(*FindType(12), 512), size_t{288});
  CHECK(FindType(4) == nullptr);
  CHECK(FindType(31) == nullptr);
  CHECK(FindType(UINT32_MAX) == nullptr);
  CHECK_EQ(Types().size(), size_t{35});
}

TEST(Q4_0HoldsWeightIAndIPlus16InOneByte) {
  BlockQ4_0 block{kTwo, {}};
  block.q[3] = 0xf1;
  const std::vector<float> y = Weights(TensorType::kQ4_0, block);
  CHECK_EQ(y[3], (1 - 8) * 2.0f);
  CHECK_EQ(y[19], (15 - 8) * 2.0f);
  CHECK_EQ(y[0], -16.0f);
}

TEST(Q4_1AddsTheMin) {
  BlockQ4_1 block{kTwo, kHalf, {}};
  block.q[0] = 0x31;
  const std::vector<float> y = Weights(TensorType::kQ4_1, block);
  CHECK_EQ(y[0], 2.5f);
  CHECK_EQ(y[16], 6.5f);
}

TEST(Q5BlocksTakeTheirFifthBitFromHigh) {
  BlockQ5_0 five{kOne, {0, 0, 0x10, 0}, {}};  // bit 20
  five.q[4] = 0x30;
  CHECK_EQ(Weights(TensorType::kQ5_0, five)[20], 3.0f);
  CHECK_EQ(Weights(TensorType::kQ5_0, five)[4], -16.0f);
  BlockQ5_1 with_min{kOne, kHalf, {0x02, 0, 0, 0}, {}};  // bit 1
  CHECK_EQ(Weights(TensorType::kQ5_1, with_min)[1], 16.5f);
}

TEST(Q8_0IsScaleTimesQ) {
  BlockQ8_0 block{kHalf, {}};
  block.q[31] = -128;
  CHECK_EQ(Weights(TensorType::kQ8_0, block)[31], -64.0f);
}

TEST(Q2_KLaysGroupsOverBitPairs) {
  BlockQ2_K block{};
  block.scale_f16 = kOne;
  block.min_f16 = kHalf;
  block.scales[11] = 0x25;  // weights 176 … 191: scale 5, min 2
  block.q[32 + 16] = 3 << 2;
  const std::vector<float> y = Weights(TensorType::kQ2_K, block);
  CHECK_EQ(y[176], 5.0f * 3 - 0.5f * 2);
  CHECK_EQ(y[177], -1.0f);
  CHECK_EQ(y[175], 0.0f);
}

TEST(Q3_KSubtractsFourWithoutTheHighBit) {
  BlockQ3_K block{};
  block.scale_f16 = kOne;
  PackQ3Scale(block.scales, 9, 32 + 17);  // weights 144 … 159
  block.q[32 + 16 + 2] = 2;
  block.high[16 + 2] = 1 << 4;
  const std::vector<float> y = Weights(TensorType::kQ3_K, block);
  CHECK_EQ(y[146], 17.0f * 2);
  CHECK_EQ(y[147], 17.0f * -4);
}

TEST(Q4_KAndQ5_KLayGroupsOverNibbles) {
  BlockQ4_K four{};
  four.scale_f16 = kOne;
  four.min_f16 = kTwo;
  PackScaleAndMin(four.scales, 5, {45, 33});  // weights 160 … 191
  four.q[64 + 7] = 0x90;
  CHECK_EQ(Weights(TensorType::kQ4_K, four)[167], 45.0f * 9 - 66.0f);
  BlockQ5_K five{};
  five.scale_f16 = kOne;
  five.min_f16 = kTwo;
  PackScaleAndMin(five.scales, 5, {45, 33});
  five.q[64 + 7] = 0x90;
  five.high[7] = 1 << 5;
  CHECK_EQ(Weights(TensorType::kQ5_K, five)[167], 45.0f * 25 - 66.0f);
}

TEST(Q6_KJoinsFourAndTwoBits) {
  BlockQ6_K block{};
  block.scale_f16 = kHalf;
  block.scales[8 + 7] = -10;         // weights 240 … 255
  block.q_low[64 + 32 + 16] = 0x50;  // their high nibbles
  block.q_high[32 + 16] = 3 << 6;
  CHECK_EQ(Weights(TensorType::kQ6_K, block)[240], 0.5f * -10 * (53 - 32));
}

TEST(Q1_0AndQ2_0TakeBitsInOrder) {
  BlockQ1_0 one{kTwo, {}};
  one.q[9] = 1 << 3;
  CHECK_EQ(Weights(TensorType::kQ1_0, one)[75], 2.0f);
  CHECK_EQ(Weights(TensorType::kQ1_0, one)[74], -2.0f);
  BlockQ2_0 two{kTwo, {}};
  two.q[9] = 3 << 6;
  CHECK_EQ(Weights(TensorType::kQ2_0, two)[39], 4.0f);
  CHECK_EQ(Weights(TensorType::kQ2_0, two)[38], -2.0f);
}

TEST(TernaryBlocksTakeOneDigitOfAllBytesAfterTheOther) {
  BlockTQ1_0 five{};
  five.scale_f16 = kTwo;
  five.q[32 + 5] = 96;  // digits 1 0 1 0 …: 91 of 243
  const std::vector<float> y = Weights(TensorType::kTQ1_0, five);
  CHECK_EQ(y[160 + 5], 0.0f);
  CHECK_EQ(y[160 + 16 + 5], -2.0f);
  CHECK_EQ(y[160 + 32 + 5], 0.0f);
  BlockTQ2_0 two{};
  two.scale_f16 = kOne;
  two.q[32 + 1] = 2 << 4;
  CHECK_EQ(Weights(TensorType::kTQ2_0, two)[128 + 64 + 1], 1.0f);
}

TEST(TablesOfFourBits) {
  BlockIQ4_NL block{kTwo, {}};
  block.q[3] = 0xf8;
  CHECK_EQ(Weights(TensorType::kIQ4_NL, block)[3], 2.0f);
  CHECK_EQ(Weights(TensorType::kIQ4_NL, block)[19], 226.0f);
  BlockIQ4_XS super{};
  super.scale_f16 = kOne;
  super.scales_low[2] = 0x90;
  super.scales_high = 3 << 10;  // group 5: 57 - 32
  CHECK_EQ(Weights(TensorType::kIQ4_XS, super)[160], 25.0f * -127);
  BlockMXFP4 micro{129, {}};
  micro.q[0] = 0x7a;
  CHECK_EQ(Weights(TensorType::kMXFP4, micro)[0], -4.0f);
  CHECK_EQ(Weights(TensorType::kMXFP4, micro)[16], 24.0f);
  BlockNVFP4 sixteen{};
  sixteen.scales[2] = 0x3c;  // 1.5 / 2
  sixteen.q[16 + 7] = 0x70;
  CHECK_EQ(Weights(TensorType::kNVFP4, sixteen)[32 + 15], 9.0f);
}

TEST(GridsAreIndexedWithAllTheirBits) {
  BlockIQ2_S block{};
  block.scale_f16 = kOne;
  block.scales[1] = 0x20;  // weights 48 … 63: 2.5 / 4
  block.q[7] = 0xff;
  block.high[1] = 3 << 6;  // the last of 1,024 points
  block.signs[7] = 1;
  const std::vector<float> y = Weights(TensorType::kIQ2_S, block);
  CHECK_EQ(y[56], -0.625f * static_cast<float>(kGridIQ2_S[1023] & 255));
  CHECK_EQ(y[63], 0.625f * static_cast<float>(kGridIQ2_S[1023] >> 56));
  BlockIQ1_M third{};
  third.scales[3] = kOne & 0xf000;
  third.scales[2] = (kOne & 0x0f00) << 4;
  third.q[31] = 0xff;
  third.high[15] = 0xf0;
  CHECK_EQ(Weights(TensorType::kIQ1_M, third)[255], static_cast<float>(kGridIQ1[2047] >> 56) - 1.125f);
}

TEST(SignsOfSevenBitsAreMadeEven) {
  for (uint32_t seven = 0; seven < 128; ++seven) {
    CHECK_EQ(EvenSigns(seven) & 127, static_cast<int>(seven));
    CHECK_EQ(std::popcount(EvenSigns(seven)) % 2, 0);
  }
}

TEST(PackedScalesSurvive) {
  for (int seed = 0; seed < 64; ++seed) {
    uint8_t packed[12] = {}, packed3[12] = {};
    for (int j = 0; j < 8; ++j) {
      PackScaleAndMin(packed, j,
                      {static_cast<uint8_t>((seed * 7 + j * 11) % 64), static_cast<uint8_t>((seed + j) % 64)});
    }
    for (int j = 0; j < 16; ++j) PackQ3Scale(packed3, j, (seed * 5 + j * 13) % 64);
    for (int j = 0; j < 8; ++j) {
      CHECK_EQ(int{UnpackScaleAndMin(packed, j).scale}, (seed * 7 + j * 11) % 64);
      CHECK_EQ(int{UnpackScaleAndMin(packed, j).min}, (seed + j) % 64);
    }
    for (int j = 0; j < 16; ++j) CHECK_EQ(UnpackQ3Scale(packed3, j), (seed * 5 + j * 13) % 64);
  }
}

TEST(EveryF16SurvivesTheWayThroughF32) {
  for (uint32_t h = 0; h < 65536; ++h) {
    const float f = F16ToF32(static_cast<uint16_t>(h));
    if ((h & 0x7fff) > 0x7c00) {
      if (!std::isnan(f) || !std::isnan(F16ToF32(F32ToF16(f)))) return test::Fail(__FILE__, __LINE__, "NaN lost");
    } else if (F32ToF16(f) != h) {
      return test::Fail(__FILE__, __LINE__, "f16 " + std::to_string(h) + " became " + std::to_string(F32ToF16(f)));
    }
  }
}

TEST(F16RoundsToNearestEven) {
  CHECK_EQ(F32ToF16(1.0f + 0x1p-11f), uint16_t{0x3c00});             // half-way, even below
  CHECK_EQ(F32ToF16(1.0f + 0x1p-11f + 0x1p-20f), uint16_t{0x3c01});  // just above
  CHECK_EQ(F32ToF16(1.0f + 0x3p-11f), uint16_t{0x3c02});             // half-way, even above
  CHECK_EQ(F32ToF16(65519.0f), uint16_t{0x7bff});
  CHECK_EQ(F32ToF16(65520.0f), uint16_t{0x7c00});
  CHECK_EQ(F32ToF16(-INFINITY), uint16_t{0xfc00});
  CHECK_EQ(F32ToF16(0x1p-25f), uint16_t{0});  // half of the smallest subnormal: even is zero
  CHECK_EQ(F32ToF16(0x1.8p-24f), uint16_t{2});
  CHECK_EQ(F32ToF16(-0.0f), uint16_t{0x8000});
  CHECK_EQ(F32ToF16(0x1.ffcp-15f), uint16_t{0x0400});  // the largest subnormal plus half a step: the smallest normal
}

TEST(BF16RoundsToNearestEvenAndKeepsNaN) {
  CHECK_EQ(F32ToBF16(std::bit_cast<float>(0x3f808000u)), uint16_t{0x3f80});
  CHECK_EQ(F32ToBF16(std::bit_cast<float>(0x3f818000u)), uint16_t{0x3f82});
  CHECK(std::isnan(BF16ToF32(F32ToBF16(std::bit_cast<float>(0x7f800001u)))));
}

/// The largest error of a quantised row against its largest weight.
float WorstError(TensorType type, const std::vector<float>& x) {
  std::vector<uint8_t> blocks(RowBytes(InfoOf(type), x.size()));
  std::vector<float> y(x.size());
  CHECK(Quantize(type, x.data(), blocks.data(), x.size()));
  Dequantize(type, blocks.data(), y.data(), y.size());
  float worst = 0, max = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    worst = std::max(worst, std::fabs(x[i] - y[i]));
    max = std::max(max, std::fabs(x[i]));
  }
  return worst / max;
}

std::vector<float> Uniform(uint32_t seed, float scale) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> distribution(-scale, scale);
  std::vector<float> x(16 * kSuperBlock);
  for (float& value : x) value = distribution(random);
  return x;
}

// Bounds for weights in [-M, M], in units of M; e = 2^-11 is the relative rounding error of an f16 scale.
// Half a step for rounding, plus what the scale's rounding moves the outermost weight; the symmetric formats lose a
// whole step at the positive end, which has one level less. The K formats add the clipping of the narrowest search
// (0.2 M; 0.4 M where both ends move, seen from one end still 0.2 M) and the rounding of group scales, half a unit of
// 1/limit of the largest one, times the largest q; the same for mins.
TEST(QuantisersStayWithinTheirSteps) {
  struct Bound {
    TensorType type;
    float of_max;
  };
  const float e = 0x1p-11f;
  const Bound bounds[] = {
      {TensorType::kF32, 0.0f},
      {TensorType::kF16, e},
      {TensorType::kBF16, 0x1p-8f},
      {TensorType::kQ4_0, 1 / 8.0f + e},
      {TensorType::kQ4_1, 0.5f * 2 / 15 + 3 * e},
      {TensorType::kQ5_0, 1 / 16.0f + e},
      {TensorType::kQ5_1, 0.5f * 2 / 31 + 3 * e},
      {TensorType::kQ8_0, 0.5f / 127 + e},
      {TensorType::kQ2_K, 0.2f + 0.5f * 2 / 3 + 2 * 0.5f / 15 + 0.5f / 15 + 3 * e},
      {TensorType::kQ3_K, 0.2f + 1 / 4.0f + 0.5f / 32 + e},
      {TensorType::kQ4_K, 0.2f + 0.5f * 2 / 15 + 2 * 0.5f / 63 + 0.5f / 63 + 3 * e},
      {TensorType::kQ5_K, 0.2f + 0.5f * 2 / 31 + 2 * 0.5f / 63 + 0.5f / 63 + 3 * e},
      {TensorType::kQ6_K, 0.2f + 1 / 32.0f + 0.5f / 128 + e},
      {TensorType::kQ8_1, 0.5f / 127 + e},
      {TensorType::kQ8_K, 0.5f / 127 + 1e-6f},
      {TensorType::kTQ1_0, 0.5f + e},
      {TensorType::kTQ2_0, 0.5f + e},
      // A step of the table is at most 24 / 113 of its end; up to 0.2 of the end is clipped.
      {TensorType::kIQ4_NL, 0.2f + 0.5f * 24 / 113 + e},
      {TensorType::kIQ4_XS, 0.2f + 0.5f * 24 / 113 + 0.5f / 32 + e},
      // Steps of FP4 are a third of its end; an exponent too small by one clips half.
      {TensorType::kMXFP4, 0.5f},
      {TensorType::kNVFP4, 0.5f},
  };
  for (const Bound& bound : bounds) {
    for (const float scale : {1.0f, 0.02f, 300.0f}) {
      const float worst = WorstError(bound.type, Uniform(5, scale));
      if (!(worst <= bound.of_max * 1.0001f)) {
        test::Fail(__FILE__, __LINE__,
                   std::string(InfoOf(bound.type).name) + ": error " + std::to_string(worst) + " above " +
                       std::to_string(bound.of_max));
      }
    }
  }
}

/// Root mean square error over that of the weights.
double RelativeRms(TensorType type, const std::vector<float>& x) {
  std::vector<uint8_t> blocks(RowBytes(InfoOf(type), x.size()));
  std::vector<float> y(x.size());
  CHECK(Quantize(type, x.data(), blocks.data(), x.size()));
  Dequantize(type, blocks.data(), y.data(), y.size());
  double error = 0, power = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    error += (x[i] - y[i]) * (x[i] - y[i]);
    power += x[i] * x[i];
  }
  return std::sqrt(error / power);
}

// Normal weights: the largest magnitude of 32 is about 2.1 sigma, of 16 about 1.8, the range about twice that; rounding
// to L levels costs (range / L) / sqrt(12). A quarter more is allowed for the scales' own rounding.
TEST(QuantisersAreAsFineAsTheirLevels) {
  std::mt19937 random(11);
  std::normal_distribution<float> distribution(0.0f, 0.05f);
  std::vector<float> x(64 * kSuperBlock);
  for (float& value : x) value = distribution(random);
  const auto expected = [](double range, double levels) { return 1.25 * range / levels / std::sqrt(12.0); };
  CHECK(RelativeRms(TensorType::kQ4_0, x) < expected(4.2, 16));
  CHECK(RelativeRms(TensorType::kQ4_1, x) < expected(4.2, 15));
  CHECK(RelativeRms(TensorType::kQ5_0, x) < expected(4.2, 32));
  CHECK(RelativeRms(TensorType::kQ5_1, x) < expected(4.2, 31));
  CHECK(RelativeRms(TensorType::kQ8_0, x) < expected(4.2, 254));
  CHECK(RelativeRms(TensorType::kQ2_K, x) < expected(3.6, 3));
  CHECK(RelativeRms(TensorType::kQ3_K, x) < expected(3.6, 8));
  CHECK(RelativeRms(TensorType::kQ4_K, x) < expected(4.2, 15));
  CHECK(RelativeRms(TensorType::kQ5_K, x) < expected(4.2, 31));
  CHECK(RelativeRms(TensorType::kQ6_K, x) < expected(3.6, 64));
}

TEST(QuantisersSurviveZerosTinyHugeAndNaN) {
  for (const TypeInfo& info : Types()) {
    if (!Quantize(info.type, nullptr, nullptr, 0)) continue;
    for (const float value : {0.0f, 1e-30f, -1e-6f, 3e38f, -3e38f, NAN, INFINITY}) {
      std::vector<float> x(kSuperBlock, value), y(kSuperBlock);
      x[1] = -value;
      std::vector<uint8_t> blocks(RowBytes(info, x.size()));
      for (const bool best : {false, true}) {
        CHECK(best ? QuantizeBest(info.type, x.data(), nullptr, blocks.data(), x.size())
                   : Quantize(info.type, x.data(), blocks.data(), x.size()));
        Dequantize(info.type, blocks.data(), y.data(), y.size());
        const bool is_float = info.block_weights == 1;
        for (const float result : y) {
          if (!is_float && !std::isfinite(result)) return test::Fail(__FILE__, __LINE__, info.name);
          if (value == 0.0f && result != 0.0f) return test::Fail(__FILE__, __LINE__, info.name);
        }
      }
    }
  }
}

// What a ternary model was trained to be survives, whatever the search weighs.
TEST(TernaryWeightsAreKeptExactly) {
  std::vector<float> x(2 * kSuperBlock), y(x.size());
  for (size_t i = 0; i < x.size(); ++i)
    x[i] = 0.03125f * static_cast<float>(i < 300 ? static_cast<int>(i * 7 % 3) - 1 : 0);
  for (const TensorType type : {TensorType::kTQ1_0, TensorType::kTQ2_0}) {
    std::vector<uint8_t> blocks(RowBytes(InfoOf(type), x.size()));
    CHECK(QuantizeBest(type, x.data(), nullptr, blocks.data(), x.size()));
    Dequantize(type, blocks.data(), y.data(), y.size());
    CHECK(x == y);
  }
}

TEST(EveryTypeButTheGridsAndIntegersIsWritten) {
  std::string unwritten;
  for (const TypeInfo& info : Types()) {
    Dequantize(info.type, nullptr, nullptr, 0);  // nothing to do touches nothing
    if (!Quantize(info.type, nullptr, nullptr, 0)) unwritten += std::string(info.name) + " ";
  }
  CHECK_EQ(unwritten, "IQ1_S IQ1_M IQ2_XXS IQ2_XS IQ2_S IQ3_XXS IQ3_S I8 I16 I32 I64 ");
}

}  // namespace
}  // namespace zell::quant

ZELL_TEST_MAIN
