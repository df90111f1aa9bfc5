// Made-up routings: as habitual as real ones, and what caches of known policies hit of them counted by hand.
#include "expert_trace.h"

#include "check.h"
#include "hit_rates.h"

using namespace zell;
using test::CompareHitRates;
using test::HabitsOf;
using test::MakeTrace;
using test::Trace;
using test::TraceHabits;
using test::TraceSpec;

TEST(a_seed_gives_one_routing) {
  const TraceSpec spec{.banks = 4, .tokens = 50, .seed = 21};
  TraceSpec other = spec;
  other.seed = 22;
  CHECK(MakeTrace(spec) == MakeTrace(spec));
  CHECK(MakeTrace(spec) != MakeTrace(other));
  for (const auto& used : MakeTrace(spec)) CHECK(used.size() == 2 && used[0] != used[1] && used[0] < 8 && used[1] < 8);
}

TEST(habits_are_those_of_real_models) {
  const TraceSpec many{
      .banks = 12, .experts = 128, .used = 8, .tokens = 150, .skew = 0.95f, .topic_kept = 0.95f, .seed = 23};
  const TraceHabits real = HabitsOf(MakeTrace(many), many.banks, many.experts);
  std::printf("  8 of 128: %.3f again, %.3f favourites\n", real.again, real.favourites);
  CHECK(real.again > 0.34 && real.again < 0.42);
  CHECK(real.favourites > 0.34 && real.favourites < 0.42);
  // Without favourites and topics only chance is left.
  TraceSpec chance = many;
  chance.skew = chance.topic = 0;
  CHECK(std::abs(HabitsOf(MakeTrace(chance), many.banks, many.experts).again - 8.0 / 128) < 0.02);
}

TEST(habits_are_counted) {
  const Trace trace{{0, 1}, {2, 3}, {0, 2}, {2, 3}, {1, 3}, {2, 0}};  // two banks, three tokens
  const TraceHabits habits = HabitsOf(trace, 2, 4);
  CHECK(std::abs(habits.again - 4.0 / 8) < 1e-9);        // 0; 2, 3; none; 2
  CHECK(std::abs(habits.favourites - 9.0 / 12) < 1e-9);  // 4 of 6 and 5 of 6
}

TEST(hits_are_counted) {
  // Three experts in turn and room for two: the oldest is always the next.
  const Trace turns{{0}, {1}, {2}, {0}, {1}, {2}};
  const auto rates = CompareHitRates(turns, {.banks = 1, .experts = 3}, 2);
  CHECK(std::abs(rates.lru - 0.0) < 1e-9);
  CHECK(std::abs(rates.belady - 2.0 / 6) < 1e-9);
  const auto later = CompareHitRates(turns, {.banks = 1, .experts = 3, .counted_from = 3}, 2);
  CHECK(std::abs(later.belady - 2.0 / 3) < 1e-9);
  // With room for all, each misses once whoever chooses.
  const auto all = CompareHitRates(turns, {.banks = 1, .experts = 3}, 3);
  CHECK(std::abs(all.lru - 0.5) < 1e-9 && std::abs(all.ours - 0.5) < 1e-9 && std::abs(all.belady - 0.5) < 1e-9);
}

ZELL_TEST_MAIN
