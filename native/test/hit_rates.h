// What caches of experts hit of a routing: the one that forgets the oldest, ours, and the one that knows the future.
#pragma once

#include <algorithm>
#include <cstdint>
#include <set>
#include <vector>

#include "expert_trace.h"
#include "stream/policy.h"

namespace zell::test {

struct TraceShape {
  uint32_t banks = 0;
  uint32_t experts = 0;     ///< of each bank
  size_t counted_from = 0;  ///< steps before it fill the cache and are not counted
};

/// Share of a trace's uses that find their expert in a cache of `room` experts, which are at least those of one step.
/// `victim` is given what may go and returns its index; `seen` is told of each step before.
template <typename Victim, typename Seen>
double HitRate(const Trace& trace, const TraceShape& s, size_t room, const Victim& victim, const Seen& seen) {
  std::vector<uint32_t> cache;
  size_t hits = 0, all = 0;
  for (size_t step = 0; step < trace.size(); ++step) {
    const uint32_t first = static_cast<uint32_t>(step % s.banks) * s.experts;
    std::set<uint32_t> pinned;
    for (const uint32_t e : trace[step]) pinned.insert(first + e);
    seen(step);
    for (const uint32_t id : pinned) {
      const bool hit = std::find(cache.begin(), cache.end(), id) != cache.end();
      if (step >= s.counted_from) hits += hit, ++all;
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
  return static_cast<double>(hits) / static_cast<double>(std::max<size_t>(all, 1));
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

inline HitRates CompareHitRates(const Trace& trace, const TraceShape& s, size_t room) {
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

/// Of a made-up routing, the first quarter not counted.
inline HitRates CompareHitRates(const TraceSpec& s, size_t room) {
  const Trace trace = MakeTrace(s);
  return CompareHitRates(trace, {.banks = s.banks, .experts = s.experts, .counted_from = trace.size() / 4}, room);
}

}  // namespace zell::test
