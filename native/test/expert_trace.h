// Made-up routings with favourites, topics that last and chance.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <numeric>
#include <utility>
#include <vector>

#include "random.h"

namespace zell::test {

struct TraceSpec {
  uint32_t banks = 32;
  uint32_t experts = 8;
  uint32_t used = 2;
  uint32_t tokens = 400;
  float skew = 0.5f;        ///< deviation of the part of an expert's logit that never changes
  float topic = 0.8f;       ///< of the part that changes slowly
  float chance = 0.8f;      ///< of the part that each token brings
  float topic_kept = 0.9f;  ///< of a topic, over one token
  uint64_t seed = 1;
};

/// [token * banks + bank] → the experts used there.
using Trace = std::vector<std::vector<uint32_t>>;

inline Trace MakeTrace(const TraceSpec& s) {
  Random random(s.seed);
  std::vector<float> fixed(s.banks * s.experts), topic(fixed.size());
  for (float& x : fixed) x = s.skew * random.Normal();
  for (float& x : topic) x = random.Normal();
  const float renewed = std::sqrt(1.0f - s.topic_kept * s.topic_kept);
  Trace trace;
  for (uint32_t step = 0; step < s.tokens * s.banks; ++step) {
    const size_t first = step % s.banks * s.experts;
    std::vector<std::pair<float, uint32_t>> logits;
    for (uint32_t e = 0; e < s.experts; ++e) {
      float& t = topic[first + e];
      t = s.topic_kept * t + renewed * random.Normal();
      logits.emplace_back(-(fixed[first + e] + s.topic * t + s.chance * random.Normal()), e);
    }
    std::partial_sort(logits.begin(), logits.begin() + s.used, logits.end());
    trace.emplace_back();
    for (uint32_t rank = 0; rank < s.used; ++rank) trace.back().push_back(logits[rank].second);
  }
  return trace;
}

/// Shares of a trace's uses, as measured of real models: 0.36 to 0.38 each for Qwen3-30B-A3B (8 of 128; chance is
/// 0.06).
struct TraceHabits {
  double again = 0;       ///< that the token before sent to the same expert
  double favourites = 0;  ///< that go to their bank's most used experts, as many as a token uses
};

inline TraceHabits HabitsOf(const Trace& trace, uint32_t banks, uint32_t experts) {
  std::vector<size_t> counts(size_t{banks} * experts, 0);
  size_t again = 0, followers = 0, all = 0, used = 0;
  for (size_t step = 0; step < trace.size(); ++step) {
    all += trace[step].size();
    used = std::max(used, trace[step].size());
    for (const uint32_t e : trace[step]) ++counts[step % banks * experts + e];
    if (step < banks) continue;
    const std::vector<uint32_t>& before = trace[step - banks];
    followers += trace[step].size();
    for (const uint32_t e : trace[step]) again += std::find(before.begin(), before.end(), e) != before.end();
  }
  size_t favourites = 0;
  for (auto bank = counts.begin(); bank != counts.end(); bank += experts) {
    std::sort(bank, bank + experts, std::greater<>());
    favourites = std::accumulate(bank, bank + static_cast<ptrdiff_t>(std::min<size_t>(used, experts)), favourites);
  }
  const auto share = [](size_t part, size_t whole) {
    return static_cast<double>(part) / static_cast<double>(std::max<size_t>(whole, 1));
  };
  return {.again = share(again, followers), .favourites = share(favourites, all)};
}

}  // namespace zell::test
