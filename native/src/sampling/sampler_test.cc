// The sampler chain: each filter alone, the order of the chain, statistics of the draw, and rows that make no sense.
#include "sampling/sampler.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <limits>
#include <set>

#include "check.h"
#include "sampling/exp.h"
#include "sampling/random.h"

namespace zell::sampling {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

/// Everything off: the plain softmax at temperature 1.
SamplerParams Plain(uint32_t seed = 1) {
  SamplerParams p;
  p.temperature = 1;
  p.top_k = 0;
  p.top_p = 1;
  p.min_p = 0;
  p.seed = seed;
  return p;
}

SamplerParams Greedy() {
  SamplerParams p = Plain();
  p.temperature = 0;
  return p;
}

std::vector<float> LogitsOf(const std::vector<double>& probabilities) {
  std::vector<float> logits;
  for (const double p : probabilities) logits.push_back(static_cast<float>(std::log(p)));
  return logits;
}

std::set<int32_t> Seen(const SamplerParams& params, const std::vector<float>& logits, int draws = 4000) {
  Sampler sampler(params);
  std::set<int32_t> seen;
  for (int i = 0; i < draws; ++i) seen.insert(sampler.Sample(logits));
  return seen;
}

/// Pearson's statistic over the draws of a sampler.
double ChiSquare(Sampler sampler, const std::vector<float>& logits, const std::vector<double>& expected, int draws) {
  std::vector<int> counts(expected.size());
  for (int i = 0; i < draws; ++i) ++counts[static_cast<size_t>(sampler.Sample(logits))];
  double statistic = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    const double mean = expected[i] * draws;
    if (mean == 0) {
      CHECK_EQ(counts[i], 0);
    } else {
      statistic += (counts[i] - mean) * (counts[i] - mean) / mean;
    }
  }
  return statistic;
}

std::vector<float> PseudoLogits(size_t n, uint64_t seed) {
  internal::Random random(seed);
  std::vector<float> logits(n);
  for (float& logit : logits) {
    // The sum of uniforms is close to a normal distribution, as real logits are.
    double sum = 0;
    for (int i = 0; i < 6; ++i) sum += random.NextUnit();
    logit = static_cast<float>((sum - 3) * 4);
  }
  return logits;
}

}  // namespace

TEST(GeneratorMatchesItsPublication) {
  // SplitMix64 from 0 gives these four words, by its authors' reference code; xoshiro256** answers from them.
  const std::array<uint64_t, 4> s = {0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F, 0xF88BB8A8724C81EC};
  const uint64_t x = s[1] * 5;
  internal::Random random(0);
  CHECK_EQ(random.Next(), (x << 7 | x >> 57) * 9);
  double sum = 0;
  for (int i = 0; i < 100000; ++i) {
    const double u = random.NextUnit();
    REQUIRE(u >= 0 && u < 1);
    sum += u;
  }
  // The mean of n uniforms has deviation 1/sqrt(12 n) = 9.1e-4; five of them.
  CHECK(std::abs(sum / 100000 - 0.5) < 5 * 9.2e-4);
}

TEST(ExponentialIsAccurate) {
  for (double x = -699; x <= 0; x += 0.37) {
    CHECK(std::abs(internal::ExpNonPositive(x) / std::exp(x) - 1) < 2e-14);
  }
  CHECK_EQ(internal::ExpNonPositive(0), 1.0);
  CHECK_EQ(internal::ExpNonPositive(-701), 0.0);
  CHECK_EQ(internal::ExpNonPositive(-std::numeric_limits<double>::infinity()), 0.0);
}

// Chi-square with k - 1 = 7 degrees of freedom exceeds 29.9 once in 10,000 (the 0.9999 quantile); the seeds are fixed,
// so a correct sampler passes always and a wrong distribution, whose statistic grows with n, does not.
TEST(DrawsFollowTheSoftmax) {
  const std::vector<double> p = {0.4, 0.2, 0.15, 0.1, 0.06, 0.05, 0.03, 0.01};
  CHECK(ChiSquare(Sampler(Plain(11)), LogitsOf(p), p, 100000) < 29.9);
  // The same through top-k, which draws from a sorted list.
  SamplerParams limited = Plain(12);
  limited.top_k = 7;
  std::vector<double> seven = p;
  seven[7] = 0;
  for (double& x : seven) x /= 0.99;
  CHECK(ChiSquare(Sampler(limited), LogitsOf(p), seven, 100000) < 29.9);
}

TEST(TemperatureSharpensAndFlattens) {
  const std::vector<double> p = {0.5, 0.3, 0.15, 0.05};
  for (const double temperature : {0.5, 2.0}) {
    SamplerParams params = Plain(5);
    params.temperature = static_cast<float>(temperature);
    std::vector<double> expected;
    double sum = 0;
    for (const double x : p) expected.push_back(std::pow(x, 1 / temperature)), sum += expected.back();
    for (double& x : expected) x /= sum;
    // 3 degrees of freedom: 0.9999 quantile 21.1.
    CHECK(ChiSquare(Sampler(params), LogitsOf(p), expected, 100000) < 21.2);
  }
}

TEST(GreedyTakesTheLowestOfEqualBest) {
  CHECK_EQ(Sampler(Greedy()).Sample(std::vector<float>{1, 3, 2, 3}), 1);
  std::vector<float> row(1000, -5);
  row[777] = row[999] = -4;
  CHECK_EQ(Sampler(Greedy()).Sample(row), 777);
}

TEST(TopKKeepsTheBest) {
  SamplerParams params = Plain();
  params.top_k = 3;
  CHECK((Seen(params, {0, 1, 0.5f, 0.9f, -1, 0.8f}) == std::set<int32_t>{1, 3, 5}));
  // Of equal logits the lower ids stay.
  CHECK((Seen(params, std::vector<float>(50, 1.0f)) == std::set<int32_t>{0, 1, 2}));
  params.top_k = 1;
  CHECK((Seen(params, {0, 1, 2, 3, 4, 4}) == std::set<int32_t>{4}));
  params.top_k = 100;
  CHECK_EQ(Seen(params, std::vector<float>(6, 1.0f)).size(), 6u);
}

TEST(TopPKeepsTheSmallestSetWithThatMass) {
  const std::vector<float> logits = LogitsOf({0.05, 0.5, 0.15, 0.3});
  SamplerParams params = Plain();
  for (const int32_t top_k : {0, 3}) {
    params.top_k = top_k;
    params.top_p = 0.7f;
    CHECK((Seen(params, logits) == std::set<int32_t>{1, 3}));
    params.top_p = 0.4f;
    CHECK((Seen(params, logits) == std::set<int32_t>{1}));
    params.top_p = 1e-6f;
    CHECK((Seen(params, logits) == std::set<int32_t>{1}));
  }
  params.top_k = 0;
  params.top_p = 0.97f;
  CHECK_EQ(Seen(params, logits).size(), 4u);
  params.top_p = 0.965f;
  // A flat row: the margin below the best must grow until the nucleus fits.
  CHECK_EQ(Seen(params, std::vector<float>(100, -3.0f), 20000).size(), 97u);
}

TEST(MinPDropsWhatIsFarBelowTheBest) {
  const std::vector<float> logits = LogitsOf({0.05, 0.5, 0.15, 0.3});
  SamplerParams params = Plain();
  for (const int32_t top_k : {0, 3}) {
    params.top_k = top_k;
    params.min_p = 0.2f;
    CHECK((Seen(params, logits) == std::set<int32_t>{1, 2, 3}));
    params.min_p = 1.0f;
    CHECK((Seen(params, logits) == std::set<int32_t>{1}));
  }
}

// top-p measures the mass after top-k: of {0.4, 0.3 | 0.2, 0.1}, top-k 2 leaves 4/7 and 3/7, so that 0.5 is covered by
// the first alone. Over all four it would take two.
TEST(FiltersApplyInOrder) {
  const std::vector<float> logits = LogitsOf({0.4, 0.3, 0.2, 0.1});
  SamplerParams params = Plain();
  params.top_p = 0.5f;
  CHECK((Seen(params, logits) == std::set<int32_t>{0, 1}));
  params.top_k = 2;
  CHECK((Seen(params, logits) == std::set<int32_t>{0}));
  // Temperature comes last: it may flatten what is left, but brings nothing back.
  params.temperature = 100;
  CHECK((Seen(params, logits) == std::set<int32_t>{0}));
}

TEST(BothWaysThroughTheFiltersAgree) {
  const std::vector<float> logits = PseudoLogits(5000, 3);
  SamplerParams all = Plain(9);
  all.top_p = 0.9f;
  all.min_p = 0.02f;
  SamplerParams limited = all;
  limited.top_k = 4999;
  Sampler a(all), b(limited);
  for (int i = 0; i < 200; ++i) CHECK_EQ(a.Sample(logits), b.Sample(logits));
}

TEST(RepeatPenaltyDividesOrMultiplies) {
  SamplerParams params = Greedy();
  params.repeat_penalty = 2;
  Sampler sampler(params);
  const std::vector<float> logits = {4, 3, -1, -1.5f};
  sampler.Accept(0);
  CHECK_EQ(sampler.Sample(logits), 1);  // 4 / 2 < 3
  Sampler negative(params);
  negative.Accept(2);
  CHECK_EQ(negative.Sample(std::vector<float>{-9, -9, -1, -1.5f}), 3);  // -1 * 2 < -1.5
}

TEST(FrequencyAndPresencePenaltiesCount) {
  SamplerParams params = Greedy();
  params.frequency_penalty = 0.5f;
  Sampler sampler(params);
  const std::vector<float> logits = {2, 1.2f};
  sampler.Accept(0);
  CHECK_EQ(sampler.Sample(logits), 0);  // 1.5
  sampler.Accept(0);
  CHECK_EQ(sampler.Sample(logits), 1);  // 1.0
  params = Greedy();
  params.presence_penalty = 0.7f;
  Sampler presence(params);
  presence.Accept(0);
  presence.Accept(0);
  CHECK_EQ(presence.Sample(logits), 0);  // 1.3, however often
}

TEST(PenaltiesLookAtAWindow) {
  SamplerParams params = Greedy();
  params.presence_penalty = 5;
  params.repeat_last_n = 2;
  const std::vector<float> logits = {3, 2, 1, 0};
  Sampler window(params);
  for (const int32_t token : {0, 1, 2}) window.Accept(token);
  CHECK_EQ(window.Sample(logits), 0);
  params.repeat_last_n = -1;
  Sampler whole(params);
  for (const int32_t token : {0, 1, 2}) whole.Accept(token);
  CHECK_EQ(whole.Sample(logits), 3);
  params.repeat_last_n = 0;
  Sampler none(params);
  none.Accept(0);
  CHECK_EQ(none.Sample(logits), 0);
  // Ids that the row does not have are no error.
  whole.Accept(1000);
  whole.Accept(-1);
  CHECK_EQ(whole.Sample(logits), 3);
}

TEST(BiasForbids) {
  SamplerParams params = Greedy();
  params.logit_bias = {{0, -kInf}, {2, 1.5f}, {99, 1.0f}};
  CHECK_EQ(Sampler(params).Sample(std::vector<float>{9, 3, 2, 1}), 2);
  params = Plain();
  params.logit_bias = {{0, -kInf}, {1, -kInf}};
  CHECK((Seen(params, {9, 9, 1, 1}) == std::set<int32_t>{2, 3}));
  // +inf in the row does not lift a ban.
  CHECK((Seen(params, {kInf, 0, 1, 1}) == std::set<int32_t>{2, 3}));
}

TEST(SeedsReproduce) {
  const std::vector<float> logits = PseudoLogits(500, 1);
  SamplerParams params = Plain(42);
  params.temperature = 0.8f;
  Sampler a(params), b(params);
  std::vector<int32_t> first, second, other;
  params.seed = 43;
  Sampler c(params);
  for (int i = 0; i < 50; ++i) {
    first.push_back(a.Sample(logits));
    second.push_back(b.Sample(logits));
    other.push_back(c.Sample(logits));
  }
  CHECK(first == second);
  CHECK(first != other);
  // Pinned: the same on every machine and compiler.
  CHECK((std::vector<int32_t>(first.begin(), first.begin() + 6) == std::vector<int32_t>{97, 310, 330, 437, 476, 330}));
}

TEST(RowsThatMakeNoSense) {
  for (const float temperature : {0.0f, 1.0f}) {
    SamplerParams params = Plain();
    params.temperature = temperature;
    for (const int32_t top_k : {0, 2}) {
      for (const float top_p : {1.0f, 0.5f}) {
        params.top_k = top_k;
        params.top_p = top_p;
        Sampler sampler(params);
        CHECK_EQ(sampler.Sample(std::vector<float>{kNan, kNan, kNan}), 0);
        CHECK_EQ(sampler.Sample(std::vector<float>{-kInf, -kInf, -kInf}), 0);
        CHECK_EQ(sampler.Sample(std::vector<float>{kNan, -kInf, 7, kNan}), 2);
        CHECK_EQ(sampler.Sample(std::vector<float>{1, kInf, 2, 3}), 1);
        CHECK_EQ(sampler.Sample(std::vector<float>{}), 0);
        CHECK_EQ(sampler.Sample(std::vector<float>{5}), 0);
        CHECK_EQ(sampler.Sample(std::vector<float>{-3e38f, 3e38f, 0}), 1);
      }
    }
  }
  SamplerParams forbidden = Greedy();
  forbidden.logit_bias = {{0, -kInf}};
  CHECK_EQ(Sampler(forbidden).Sample(std::vector<float>{kNan, kNan}), 1);
}

TEST(LogprobsAreStable) {
  const std::vector<float> logits = LogitsOf({0.5, 0.25, 0.125, 0.125});
  const auto top = TopLogprobs(logits, 3);
  REQUIRE(top.size() == 3);
  CHECK_EQ(top[0].token, 0);
  CHECK_EQ(top[1].token, 1);
  CHECK_EQ(top[2].token, 2);  // ties by id
  // Logits of this size carry 1e-7 of rounding each.
  CHECK(std::abs(top[0].logprob - std::log(0.5f)) < 1e-6f);
  CHECK_EQ(top[2].logprob, LogprobOf(logits, 2));
  // Shifting a row changes nothing, even where e^logit overflows; 2^-3 is the spacing of floats near 1e6.
  std::vector<float> shifted = {1e6f, 1e6f - 1, 1e6f - 2};
  const double sum = 1 + std::exp(-1.0) + std::exp(-2.0);
  CHECK(std::abs(LogprobOf(shifted, 1) - (-1 - std::log(sum))) < 1e-6);
  CHECK_EQ(LogprobOf(shifted, 3), -kInf);
  CHECK_EQ(LogprobOf(shifted, -1), -kInf);
  CHECK_EQ(LogprobOf(std::vector<float>{kNan, 0}, 0), -kInf);
  CHECK_EQ(LogprobOf(std::vector<float>{kNan, 0}, 1), 0.0f);
  CHECK(TopLogprobs(std::vector<float>{kNan, -kInf}, 2).empty());
  CHECK_EQ(TopLogprobs(std::vector<float>{kNan, 1}, 2).size(), 1u);
  CHECK_EQ(TopLogprobs(shifted, 20).size(), 3u);
}

TEST(SpeedOverWholeVocabularies) {
  struct Setting {
    const char* name;
    int32_t top_k;
    float top_p, min_p;
  };
  for (const size_t vocabulary : {size_t{49152}, size_t{151936}}) {
    const std::vector<float> logits = PseudoLogits(vocabulary, 5);
    for (const Setting& s : {Setting{"greedy", -1, 1, 0}, Setting{"top_k 40, defaults", 40, 0.95f, 0.05f},
                             Setting{"top_k 0, defaults", 0, 0.95f, 0.05f}, Setting{"top_k 0, top_p 0.95", 0, 0.95f, 0},
                             Setting{"softmax", 0, 1, 0}}) {
      SamplerParams params = s.top_k < 0 ? Greedy() : Plain();
      params.top_k = std::max(s.top_k, 0);
      params.top_p = s.top_p;
      params.min_p = s.min_p;
      Sampler sampler(params);
      sampler.Sample(logits);
      const auto start = std::chrono::steady_clock::now();
      constexpr int kRounds = 20;
      int32_t last = 0;
      for (int i = 0; i < kRounds; ++i) last = sampler.Sample(logits);
      const double us =
          std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count() / kRounds;
      CHECK(last >= 0);
      std::printf("  %6zu logits, %s: %.0f us\n", vocabulary, s.name, us);
      CHECK(us < 100000);  // far above what any build needs; only a change of complexity gets there
    }
  }
}

}  // namespace zell::sampling

ZELL_TEST_MAIN
