// Made-up routings with favourites, topics that last and chance, and what a cache of experts hits of them.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <list>
#include <map>
#include <set>
#include <vector>

#include "random.h"
#include "stream/policy.h"

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

/// Share of a trace's uses that find their expert in a cache of `room` experts, the first quarter not counted. `victim`
/// is given what may go and returns its index; `seen` is told of each step before.
template <typename Victim, typename Seen>
double HitRate(const Trace& trace, const TraceSpec& s, size_t room, const Victim& victim, const Seen& seen) {
  std::vector<uint32_t> cache;
  size_t hits = 0, all = 0;
  for (size_t step = 0; step < trace.size(); ++step) {
    const uint32_t first = static_cast<uint32_t>(step % s.banks) * s.experts;
    std::set<uint32_t> pinned;
    for (const uint32_t e : trace[step]) pinned.insert(first + e);
    seen(step);
    for (const uint32_t id : pinned) {
      const bool hit = std::find(cache.begin(), cache.end(), id) != cache.end();
      if (step >= trace.size() / 4) hits += hit, ++all;
      if (hit) continue;
      if (cache.size() == room) {
        std::vector<uint32_t> loose;
        for (const uint32_t c : cache) {
          if (!pinned.contains(c)) loose.push_back(c);
        }
        std::erase(cache, loose[victim(loose, step)]);
      }
      cache.push_back(id);
    }
  }
  return static_cast<double>(hits) / static_cast<double>(all);
}

struct HitRates {
  double lru, ours, belady;
  /// What we close of the gap between the policy that forgets and the one that knows the future.
  double closed() const { return (ours - lru) / (belady - lru); }
};

template <typename Score>
size_t IndexOfLargest(const std::vector<uint32_t>& ids, const Score& score) {
  return static_cast<size_t>(
      std::max_element(ids.begin(), ids.end(), [&](uint32_t a, uint32_t b) { return score(a) < score(b); }) -
      ids.begin());
}

inline HitRates CompareHitRates(const TraceSpec& s, size_t room) {
  const Trace trace = MakeTrace(s);
  HitRates rates{};
  std::vector<size_t> last(s.banks * s.experts, 0);
  const auto use = [&](size_t step, const auto& each) {
    for (const uint32_t e : trace[step]) each(static_cast<uint32_t>(step % s.banks) * s.experts + e);
  };
  rates.lru = HitRate(
      trace, s, room,
      [&](const auto& ids, size_t step) { return IndexOfLargest(ids, [&](uint32_t id) { return step - last[id]; }); },
      [&](size_t step) { use(step, [&](uint32_t id) { last[id] = step; }); });

  std::vector<std::vector<size_t>> uses(s.banks * s.experts);
  for (size_t step = 0; step < trace.size(); ++step) use(step, [&](uint32_t id) { uses[id].push_back(step); });
  rates.belady = HitRate(
      trace, s, room,
      [&](const auto& ids, size_t step) {
        return IndexOfLargest(ids, [&](uint32_t id) {
          const auto next = std::upper_bound(uses[id].begin(), uses[id].end(), step);
          return next == uses[id].end() ? trace.size() : *next;
        });
      },
      [](size_t) {});

  const std::vector<uint32_t> experts(s.banks, s.experts);
  stream::ExpertPolicy policy(experts);
  rates.ours = HitRate(
      trace, s, room,
      [&](const auto& ids, size_t) {
        return IndexOfLargest(ids, [&](uint32_t id) { return policy.Wait(id / s.experts, id % s.experts); });
      },
      [&](size_t step) {
        std::vector<stream::ExpertUse> used;
        for (const uint32_t e : trace[step]) used.push_back({e, 1});
        policy.Observe(static_cast<uint32_t>(step % s.banks), used, 1);
      });
  return rates;
}

}  // namespace zell::test
