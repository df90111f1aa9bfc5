// Every step of a chain, alone and in any order, against the plainest way to say what it does.
#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <numeric>
#include <optional>

#include "check.h"
#include "sampling/exp.h"
#include "sampling/random.h"
#include "sampling/sampler.h"

namespace zell::sampling {
namespace {

using Logits = std::map<int32_t, double>;  // of the tokens that are left
using internal::Random;

double Between(Random& random, double low, double high) { return low + (high - low) * random.NextUnit(); }
int32_t Integer(Random& random, int32_t below) {
  return static_cast<int32_t>(random.Next() % static_cast<uint64_t>(below));
}

Logits Softmax(const Logits& logits) {
  double max = -1e300, sum = 0;
  for (const auto& [id, logit] : logits) max = std::max(max, logit);
  Logits p;
  for (const auto& [id, logit] : logits) sum += p[id] = std::exp(logit - max);
  for (auto& [id, x] : p) x /= sum;
  return p;
}

double Entropy(const Logits& p) {
  double h = 0;
  for (const auto& [id, x] : p) h -= x > 0 ? x * std::log(x) : 0;
  return h;
}

/// Keeps the ids of which `keep` is true; of none, as the steps promise, the best.
template <typename Keep>
void Filter(Logits& logits, Keep keep) {
  const Logits before = logits;
  std::erase_if(logits, [&](const auto& entry) { return !keep(entry.first); });
  if (logits.empty()) {
    logits.insert(*std::max_element(before.begin(), before.end(),
                                    [](const auto& a, const auto& b) { return a.second < b.second; }));
  }
}

/// How many of `ids` come before id by `key`, and what mass they hold.
template <typename Key>
std::pair<size_t, double> Ahead(const Logits& p, int32_t id, Key key) {
  size_t n = 0;
  double mass = 0;
  for (const auto& [other, x] : p) {
    if (key(other) < key(id)) ++n, mass += x;
  }
  return {n, mass};
}

/// The longest end of `text` that also stands right before position `at`, without a breaker in it.
size_t RepeatedBefore(const std::vector<int32_t>& text, size_t at, size_t most) {
  size_t length = 0;
  while (length < at && length < most && text[at - 1 - length] == text[text.size() - 1 - length]) ++length;
  return length;
}

std::map<int32_t, double> DryPenalties(const DryParams& dry, std::vector<int32_t> text) {
  if (dry.last_n > 0 && text.size() > static_cast<size_t>(dry.last_n)) {
    text.erase(text.begin(), text.end() - dry.last_n);
  }
  // The breaker that begins last counts, and of those the longest.
  size_t since = text.size();
  for (size_t begin = 0; begin < text.size(); ++begin) {
    std::optional<size_t> longest;
    for (const auto& [head, rest] : dry.breakers) {
      if (text[begin] != head || begin + 1 + rest.size() > text.size()) continue;
      if (!std::equal(rest.begin(), rest.end(), text.begin() + static_cast<std::ptrdiff_t>(begin) + 1)) continue;
      longest = std::max(longest.value_or(0), rest.size());
    }
    if (longest) since = text.size() - begin - 1 - *longest;
  }
  std::map<int32_t, double> penalties;
  const size_t allowed = static_cast<size_t>(dry.allowed_length);
  if (text.size() <= allowed || since < allowed) return penalties;
  for (size_t at = 1; at < text.size(); ++at) {  // nothing stands before the first
    const size_t length = RepeatedBefore(text, at, since);
    bool breaks = false;
    for (const auto& [head, rest] : dry.breakers) breaks |= head == text[at] && rest.empty();
    if (length < allowed || breaks) continue;
    double& penalty = penalties[text[at]];
    penalty = std::max(penalty, dry.multiplier * std::pow(double{dry.base}, static_cast<double>(length - allowed)));
  }
  return penalties;
}

void Expect(Step step, const SamplerParams& p, const std::vector<int32_t>& history, Logits& logits) {
  const Logits probabilities = Softmax(logits);
  const auto rank = [&](int32_t id) { return std::pair(-logits.at(id), id); };
  const size_t least = std::max(p.min_keep, 1u);
  switch (step) {
    case Step::kPenalties:
      for (auto& [id, logit] : logits) {
        const auto from = p.repeat_last_n >= 0 && history.size() > static_cast<size_t>(p.repeat_last_n)
                              ? history.end() - p.repeat_last_n
                              : history.begin();
        const auto count = std::count(from, history.end(), id);
        if (count == 0) continue;
        logit = logit > 0 ? logit / p.repeat_penalty : logit * p.repeat_penalty;
        logit -= static_cast<double>(count) * p.frequency_penalty + p.presence_penalty;
      }
      return;
    case Step::kDry:
      for (const auto& [id, penalty] : DryPenalties(p.dry, history)) {
        if (logits.contains(id)) logits[id] -= penalty;
      }
      return;
    case Step::kTopNSigma: {
      double mean = 0, variance = 0, max = -1e300;
      for (const auto& [id, x] : logits) mean += x / static_cast<double>(logits.size()), max = std::max(max, x);
      for (const auto& [id, x] : logits) variance += (x - mean) * (x - mean) / static_cast<double>(logits.size());
      return Filter(logits, [&](int32_t id) { return logits[id] >= max - p.top_n_sigma * std::sqrt(variance); });
    }
    case Step::kTopK:
      return Filter(logits, [&, all = logits](int32_t id) {
        const auto key = [&](int32_t i) { return std::pair(-all.at(i), i); };
        return Ahead(probabilities, id, key).first < static_cast<size_t>(p.top_k);
      });
    case Step::kTypical: {
      const double entropy = Entropy(probabilities);
      const auto key = [&](int32_t id) { return std::abs(-std::log(probabilities.at(id)) - entropy); };
      return Filter(logits, [&](int32_t id) {
        const auto [n, mass] = Ahead(probabilities, id, key);
        return mass <= p.typical_p || n < least;
      });
    }
    case Step::kTopP:
      return Filter(logits, [&, all = logits](int32_t id) {
        const auto key = [&](int32_t i) { return std::pair(-all.at(i), i); };
        const auto [n, mass] = Ahead(probabilities, id, key);
        return mass < p.top_p || n < least;
      });
    case Step::kMinP: {
      double best = 0;
      for (const auto& [id, x] : probabilities) best = std::max(best, x);
      return Filter(logits, [&, all = logits](int32_t id) {
        const auto key = [&](int32_t i) { return std::pair(-all.at(i), i); };
        return probabilities.at(id) >= p.min_p * best || Ahead(probabilities, id, key).first < least;
      });
    }
    case Step::kXtc: {
      // Whoever is likely enough goes, but for the least likely of those.
      Logits likely = probabilities;
      std::erase_if(likely, [&](const auto& e) { return e.second < p.xtc_threshold; });
      if (likely.size() < 2 || logits.size() - likely.size() + 1 < p.min_keep) return;
      const auto last = std::max_element(likely.begin(), likely.end(),
                                         [&](const auto& a, const auto& b) { return rank(a.first) < rank(b.first); });
      return Filter(logits, [&](int32_t id) { return !likely.contains(id) || id == last->first; });
    }
    case Step::kTemperature: {
      double t = p.temperature;
      if (p.dynamic_range > 0) {
        if (logits.size() < 2) return;
        const double share = Entropy(probabilities) / std::log(static_cast<double>(logits.size()));
        const double low = std::max(0.0, t - p.dynamic_range);
        t = low + (t + p.dynamic_range - low) * std::pow(share, p.dynamic_exponent);
      }
      if (t > 0) {
        for (auto& [id, logit] : logits) logit /= t;
        return;
      }
      return Filter(logits, [&, all = logits](int32_t id) {
        return std::all_of(all.begin(), all.end(), [&](const auto& e) { return rank(id) <= rank(e.first); });
      });
    }
    case Step::kInfill:
    case Step::kAdaptive:
      return;
  }
}

Logits ExpectedChain(const SamplerParams& p, const std::vector<int32_t>& history, const std::vector<float>& row) {
  Logits logits;
  for (size_t i = 0; i < row.size(); ++i) logits[static_cast<int32_t>(i)] = row[i];
  for (const Step step : p.order) {
    const bool off = (step == Step::kTopNSigma && p.top_n_sigma <= 0) || (step == Step::kTopK && p.top_k == 0) ||
                     (step == Step::kXtc && p.xtc_probability == 0) || (step == Step::kTypical && p.typical_p >= 1) ||
                     (step == Step::kDry && p.dry.multiplier == 0);
    if (!off) Expect(step, p, history, logits);
  }
  return Softmax(logits);
}

/// What a sampler with these params chooses from after this history.
Logits Kept(const SamplerParams& params, const std::vector<int32_t>& history, const std::vector<float>& row) {
  Sampler sampler(params);
  for (const int32_t token : history) sampler.Accept(token);
  const int32_t chosen = sampler.Sample(row);
  Logits kept;
  for (const TokenProbability& t : sampler.TopKept(row.size())) kept[t.token] = std::exp(t.logprob);
  CHECK(kept.contains(chosen));
  if (kept.contains(chosen)) CHECK(std::abs(kept[chosen] - std::exp(sampler.ChosenLogprob())) < 1e-6);
  return kept;
}

/// Tokens that a penalty made impossible may be missing.
bool Same(Logits kept, Logits expected, double tolerance = 1e-5) {
  for (Logits* p : {&kept, &expected}) std::erase_if(*p, [](const auto& entry) { return entry.second < 1e-30; });
  return kept.size() == expected.size() &&
         std::equal(kept.begin(), kept.end(), expected.begin(), [&](const auto& a, const auto& b) {
           return a.first == b.first && std::abs(a.second - b.second) < tolerance;
         });
}

/// Everything off, at temperature 1.
SamplerParams Off() {
  SamplerParams p;
  p.temperature = 1;
  p.top_k = 0;
  p.top_p = 1;
  p.min_p = 0;
  return p;
}

std::vector<float> Row(Random& random, size_t n) {
  std::vector<float> row(n);
  for (float& logit : row) logit = static_cast<float>(Between(random, -4, 4));
  return row;
}

/// Few different tokens, so that much repeats.
std::vector<int32_t> Text(Random& random, size_t n, int32_t different) {
  std::vector<int32_t> text(n);
  for (int32_t& token : text) token = Integer(random, different);
  return text;
}

void TurnOn(Step step, Random& random, SamplerParams& p) {
  const auto f = [&](double low, double high) { return static_cast<float>(Between(random, low, high)); };
  switch (step) {
    case Step::kPenalties:
      p.repeat_penalty = f(0.7, 2);
      p.frequency_penalty = f(-0.5, 0.8);
      p.presence_penalty = f(-0.5, 0.8);
      p.repeat_last_n = Integer(random, 20) - 1;
      break;
    case Step::kDry:
      p.dry.multiplier = f(0.2, 1.5);
      p.dry.base = f(1, 2.5);
      p.dry.allowed_length = Integer(random, 4);
      p.dry.last_n = Integer(random, 3) == 0 ? -1 : 2 + Integer(random, 40);
      for (int32_t i = Integer(random, 3); i > 0; --i) {
        p.dry.breakers.emplace(Integer(random, 5), Text(random, static_cast<size_t>(Integer(random, 3)), 5));
      }
      break;
    case Step::kTopNSigma:
      p.top_n_sigma = f(0.2, 2.5);
      break;
    case Step::kTopK:
      p.top_k = 1 + Integer(random, 20);
      break;
    case Step::kTypical:
      p.typical_p = f(0.1, 0.99);
      break;
    case Step::kTopP:
      p.top_p = f(0.1, 0.99);
      break;
    case Step::kMinP:
      p.min_p = f(0.01, 0.5);
      break;
    case Step::kXtc:
      p.xtc_probability = 1;
      p.xtc_threshold = f(0.02, 0.3);
      break;
    case Step::kTemperature:
      p.temperature = f(0.3, 2);
      if (Integer(random, 2) == 0) p.dynamic_range = f(0.1, 2.5), p.dynamic_exponent = f(0.3, 3);
      break;
    case Step::kInfill:
    case Step::kAdaptive:
      break;
  }
}

}  // namespace

TEST(LogarithmAndPowerAreAccurate) {
  for (double x = 1e-300; x < 1e300; x *= 1.37) {
    CHECK(std::abs(internal::Log(x) - std::log(x)) <= 1e-14 * std::max(1.0, std::abs(std::log(x))));
  }
  CHECK_EQ(internal::Log(1.0), 0.0);
  for (const double y : {-3.0, -0.5, 0.0, 0.5, 2.0, 7.5}) {
    for (double x = 1e-3; x < 1e3; x *= 1.7) {
      CHECK(std::abs(internal::Power(x, y) / std::pow(x, y) - 1) < 1e-12);
    }
  }
}

TEST(EachStepDoesWhatItIsFor) {
  Random random(11);
  for (const Step step : kUsualOrder) {
    size_t wrong = 0, changed = 0;
    for (int trial = 0; trial < 400; ++trial) {
      SamplerParams p = Off();
      TurnOn(step, random, p);
      const std::vector<float> row = Row(random, 3 + static_cast<size_t>(Integer(random, 40)));
      const std::vector<int32_t> history = Text(random, static_cast<size_t>(Integer(random, 50)), 4);
      const Logits expected = ExpectedChain(p, history, row);
      if (!Same(Kept(p, history, row), expected)) ++wrong;
      if (!Same(expected, ExpectedChain(Off(), history, row))) ++changed;
    }
    CHECK_EQ(wrong, size_t{0});
    // The trials are no proof unless the step did something in most of them.
    CHECK(changed > 150);
  }
}

TEST(AnyStepsInAnyOrder) {
  Random random(12);
  size_t wrong = 0;
  for (int trial = 0; trial < 3000; ++trial) {
    SamplerParams p = Off();
    p.order.clear();
    for (const Step step : kUsualOrder) {
      if (Integer(random, 2) == 0) TurnOn(step, random, p), p.order.push_back(step);
    }
    for (size_t i = p.order.size(); i > 1; --i) {
      std::swap(p.order[i - 1], p.order[static_cast<size_t>(Integer(random, static_cast<int32_t>(i)))]);
    }
    if (Integer(random, 3) == 0) p.min_keep = static_cast<uint32_t>(Integer(random, 5));
    const std::vector<float> row = Row(random, 3 + static_cast<size_t>(Integer(random, 40)));
    const std::vector<int32_t> history = Text(random, static_cast<size_t>(Integer(random, 50)), 4);
    if (!Same(Kept(p, history, row), ExpectedChain(p, history, row))) ++wrong;
  }
  CHECK_EQ(wrong, size_t{0});
}

TEST(WhatTheOrderLeavesOutDoesNotHappen) {
  Random random(13);
  SamplerParams p = Off();
  for (const Step step : kUsualOrder) TurnOn(step, random, p);
  p.order.clear();
  const std::vector<float> row = Row(random, 30);
  CHECK(Same(Kept(p, Text(random, 40, 3), row), ExpectedChain(Off(), {}, row)));
}

TEST(TheQuickWayChoosesTheSame) {
  Random random(14);
  for (int trial = 0; trial < 60; ++trial) {
    SamplerParams quick = Off();
    for (const Step step : {Step::kTopK, Step::kTopP, Step::kMinP}) {
      if (Integer(random, 2) == 0) TurnOn(step, random, quick);
    }
    quick.temperature = trial % 6 == 0 ? 0 : 0.7f;
    quick.seed = static_cast<uint32_t>(trial);
    // A second top-k that takes nothing away, and the general way is needed.
    SamplerParams general = quick;
    if (general.top_k == 0) general.top_k = 1 << 20;
    general.order.push_back(Step::kTopK);
    Sampler a(quick), b(general);
    for (int i = 0; i < 20; ++i) {
      const std::vector<float> row = Row(random, 300);
      a.Sample(row);
      b.Sample(row);
      const auto of_a = a.TopKept(300), of_b = b.TopKept(300);
      REQUIRE(of_a.size() == of_b.size());
      for (size_t k = 0; k < of_a.size(); ++k) {
        CHECK_EQ(of_a[k].token, of_b[k].token);
        CHECK(std::abs(of_a[k].logprob - of_b[k].logprob) < 1e-5f);
      }
    }
  }
}

TEST(AtTemperatureZeroTheBestThatIsLeftWins) {
  SamplerParams p = Off();
  p.temperature = 0;
  const std::vector<float> row = {1, 3, 2.5f, 0};
  CHECK_EQ(Sampler(p).Sample(row), 1);
  p.xtc_probability = 1;
  CHECK_EQ(Sampler(p).Sample(row), 2);  // 1 and 2 are likely: the better one goes
  // Without temperature in the chain there is none, and it stays a draw.
  p = Off();
  p.temperature = 0;
  p.order = {Step::kTopK};
  Sampler sampler(p);
  sampler.Sample(row);
  CHECK_EQ(sampler.TopKept(9).size(), size_t{4});
}

TEST(XtcStrikesAsOftenAsAsked) {
  SamplerParams p = Off();
  p.xtc_probability = 0.3f;
  p.seed = 5;
  Sampler sampler(p);
  const std::vector<float> row = {3, 2.9f, 0, 0, 0};
  int struck = 0;
  constexpr int kDraws = 20000;
  for (int i = 0; i < kDraws; ++i) {
    sampler.Sample(row);
    struck += sampler.TopKept(9).size() == 4 ? 1 : 0;
  }
  // Four standard deviations of a binomial distribution.
  CHECK(std::abs(struck - 0.3 * kDraws) < 4 * std::sqrt(0.3 * 0.7 * kDraws));
}

TEST(DryLetsBreakersPass) {
  SamplerParams p = Off();
  p.temperature = 0;
  p.dry.multiplier = 10;
  p.dry.base = 2;
  std::vector<float> row(10, 0.0f);
  row[4] = 1;
  // 1 2 3 4 … 1 2 3: after three known tokens the fourth costs 10 · 2.
  const std::vector<int32_t> text = {1, 2, 3, 4, 9, 1, 2, 3};
  const auto next = [&](const SamplerParams& params) {
    Sampler sampler(params);
    for (const int32_t token : text) sampler.Accept(token);
    return sampler.Sample(row);
  };
  CHECK_EQ(next(p), 0);
  p.dry.breakers = {{3, {}}};
  CHECK_EQ(next(p), 4);
  p.dry.breakers = {{2, {3}}};
  CHECK_EQ(next(p), 4);
  p.dry.breakers = {{1, {}}};  // 2 3 repeats still
  CHECK_EQ(next(p), 0);
  p.dry.breakers = {{4, {}}};  // what breaks sequences may always come
  CHECK_EQ(next(p), 4);
}

TEST(LongTextsCostDryLittle) {
  SamplerParams p = Off();
  p.dry.multiplier = 1;
  p.dry.last_n = -1;
  Sampler sampler(p);
  for (int i = 0; i < 200000; ++i) sampler.Accept(i % 2);  // everything repeats: the worst case for a plain search
  const std::vector<float> row = {0, 0, 0};
  sampler.Sample(row);
  CHECK_EQ(sampler.TopKept(1)[0].token, 1);  // 2 never came, 0 would go on a repetition of 199,998: of those left 1 < 2
}

TEST(MirostatHoldsTheSurprise) {
  for (const int32_t version : {1, 2}) {
    Random random(15);
    SamplerParams p = Off();
    p.temperature = 0.9f;
    p.top_k = 1;  // has no part in it
    p.repeat_penalty = 100;
    p.mirostat = {version, 3, 0.2f};
    Sampler sampler(p);
    double mu = 6, surprise = 0;
    constexpr int kTokens = 2000;
    for (int i = 0; i < kTokens; ++i) {
      std::vector<float> row = Row(random, 200);
      for (float& logit : row) logit *= 1.5f;
      Logits logits;
      for (size_t t = 0; t < row.size(); ++t) logits[static_cast<int32_t>(t)] = row[t] / 0.9;
      const Logits all = Softmax(logits);
      std::vector<double> sorted;
      for (const auto& [id, x] : all) sorted.push_back(x);
      std::sort(sorted.rbegin(), sorted.rend());
      size_t keep = 0;
      if (version == 2) {
        while (keep < sorted.size() && -std::log2(sorted[keep]) <= mu) ++keep;
      } else {
        double above = 0, below = 0;
        for (size_t k = 0; k < 99; ++k) {
          const double t = std::log(double(k + 2) / double(k + 1));
          above += t * std::log(sorted[k] / sorted[k + 1]), below += t * t;
        }
        const double s = above / below, e = s - 1;
        keep = static_cast<size_t>(std::pow(e * std::pow(2, mu) / (1 - std::pow(200, -e)), 1 / s));
      }
      keep = std::min(std::max<size_t>(keep, 1), sorted.size());
      const int32_t token = sampler.Sample(row);
      sampler.Accept(token);
      const auto kept = sampler.TopKept(row.size());
      REQUIRE(kept.size() == keep);
      const double mass = std::accumulate(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(keep), 0.0);
      const double bits = -std::log2(all.at(token) / mass);
      CHECK(std::abs(bits + sampler.ChosenLogprob() / std::log(2.0)) < 1e-5);
      mu -= 0.2 * (bits - 3);
      surprise += bits / kTokens;
    }
    CHECK(std::abs(surprise - 3) < 0.1);
  }
}

TEST(AdaptiveFollowsItsTarget) {
  SamplerParams p = Off();
  p.order.push_back(Step::kAdaptive);
  p.adaptive_target = 0.2f;
  p.adaptive_decay = 0.8f;
  Sampler sampler(p);
  Random random(16);
  double sum = 0.2 / (1 - 0.8), weight = 1 / (1 - 0.8);
  for (int i = 0; i < 300; ++i) {
    const std::vector<float> row = Row(random, 12);
    Logits logits;
    for (size_t t = 0; t < row.size(); ++t) logits[static_cast<int32_t>(t)] = row[t];
    const Logits before = Softmax(logits);
    const double wanted = std::clamp(2 * 0.2 - sum / weight, 0.0, 1.0);
    for (auto& [id, logit] : logits) {
      const double d = std::abs(before.at(id) - wanted) / 0.3;
      logit = 5 - 10 * d * d / (1 + d);
    }
    const int32_t token = sampler.Sample(row);
    sampler.Accept(token);
    Logits kept;
    for (const TokenProbability& t : sampler.TopKept(12)) kept[t.token] = std::exp(t.logprob);
    REQUIRE(Same(kept, Softmax(logits), 1e-4));
    sum = before.at(token) + 0.8 * sum;
    weight = 1 + 0.8 * weight;
  }
  // Below zero, or out of the order, it is an ordinary draw.
  p.adaptive_target = -1;
  const std::vector<float> row = Row(random, 12);
  CHECK(Same(Kept(p, {}, row), ExpectedChain(Off(), {}, row)));
}

TEST(SeedsReproduceWithEveryStep) {
  Random random(17);
  SamplerParams p = Off();
  for (const Step step : kUsualOrder) TurnOn(step, random, p);
  p.xtc_probability = 0.5f;
  p.top_k = 30;
  p.typical_p = 0.99f;
  for (const int32_t mirostat : {0, 1, 2}) {
    p.mirostat.version = mirostat;
    p.seed = 1;
    Sampler a(p), b(p);
    p.seed = 2;
    Sampler c(p);
    std::vector<int32_t> of_a, of_b, of_c;
    for (int i = 0; i < 60; ++i) {
      const std::vector<float> row = Row(random, 80);
      for (auto [sampler, out] : {std::pair(&a, &of_a), {&b, &of_b}, {&c, &of_c}}) {
        out->push_back(sampler->Sample(row));
        sampler->Accept(out->back());
      }
    }
    CHECK(of_a == of_b);
    CHECK(of_a != of_c);
  }
}

TEST(RowsThatMakeNoSenseWithEveryStep) {
  constexpr float kInf = std::numeric_limits<float>::infinity(), kNan = std::numeric_limits<float>::quiet_NaN();
  Random random(18);
  for (const int32_t mirostat : {0, 1, 2}) {
    SamplerParams p = Off();
    for (const Step step : kUsualOrder) TurnOn(step, random, p);
    p.repeat_penalty = 100;
    p.order = {Step::kTypical, Step::kPenalties, Step::kDry, Step::kTemperature, Step::kXtc, Step::kAdaptive};
    p.adaptive_target = 0.5f;
    p.mirostat.version = mirostat;
    Sampler sampler(p);
    for (int i = 0; i < 30; ++i) sampler.Accept(i % 3);
    CHECK_EQ(sampler.Sample(std::vector<float>{kNan, kNan}), 0);
    CHECK_EQ(sampler.Sample(std::vector<float>{-kInf, -kInf, -kInf}), 0);
    CHECK_EQ(sampler.Sample(std::vector<float>{kNan, -kInf, 7, kNan}), 2);
    CHECK_EQ(sampler.Sample(std::vector<float>{}), 0);
    CHECK_EQ(sampler.Sample(std::vector<float>{5}), 0);
    for (const std::vector<float>& row :
         {std::vector<float>{-3e38f, 3e38f, 0}, {-3e38f, -3e38f, -3e38f}, {kInf, 1, 2}}) {
      const int32_t token = sampler.Sample(row);
      CHECK(token >= 0 && token < 3);
      CHECK(!sampler.TopKept(3).empty());
    }
    CHECK(std::abs(sampler.ChosenLogprob()) < 1e30f);
  }
}

namespace {

/// Tokens are texts; the last one ends an answer.
class Texts final : public TokenTexts {
 public:
  explicit Texts(std::vector<std::string> pieces) : pieces_(std::move(pieces)) {}
  std::string Piece(int32_t token) const override { return pieces_[static_cast<size_t>(token)]; }
  bool EndsGeneration(int32_t token) const override { return token == End(); }
  int32_t End() const override { return static_cast<int32_t>(pieces_.size()) - 1; }

 private:
  std::vector<std::string> pieces_;
};

Logits Infilled(const std::vector<std::string>& pieces, const std::vector<double>& probabilities) {
  SamplerParams p = Off();
  p.order = {Step::kInfill};
  p.texts = std::make_shared<Texts>(pieces);
  std::vector<float> row;
  for (const double x : probabilities) row.push_back(static_cast<float>(std::log(x)));
  return Kept(p, {}, row);
}

}  // namespace

TEST(InfillEndsRatherThanGuesses) {
  // Likely enough to end: three times the mass of ends, for each candidate, beats the rest.
  CHECK(Same(Infilled({"a", "b", "c", ""}, {0.4, 0.3, 0.2, 0.1}), {{3, 1}}));
  // One sure candidate stays, together with the end.
  CHECK(Same(Infilled({"a", "b", "c", ""}, {0.80, 0.15, 0.04, 0.01}), {{0, 0.80 / 0.81}, {3, 0.01 / 0.81}}));
  // "re" and "return" are one guess; the likelier of them stands for both.
  CHECK(Same(Infilled({"re", "return", "x", "y", "z", ""}, {0.19, 0.25, 0.19, 0.185, 0.184, 0.001}),
             {{1, 0.25 / 0.251}, {5, 0.001 / 0.251}}));
  // Nobody is sure: the answer ends.
  CHECK(Same(Infilled({"a", "b", "c", "d", "e", "f", ""}, {0.17, 0.17, 0.17, 0.16, 0.16, 0.169, 0.001}), {{6, 1}}));
}

}  // namespace zell::sampling

ZELL_TEST_MAIN
