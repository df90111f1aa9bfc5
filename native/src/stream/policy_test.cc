// The policy against forgetting the oldest and against knowing the future, on made-up routings.
#include "stream/policy.h"

#include "check.h"
#include "hit_rates.h"

using namespace zell;
using test::CompareHitRates;
using test::HitRates;
using test::TraceSpec;

namespace {

HitRates Compare(const char* name, const TraceSpec& spec, double share) {
  const HitRates rates = CompareHitRates(spec, static_cast<size_t>(share * spec.banks * spec.experts));
  std::printf("  %s, %.0f %% in memory: LRU %.3f, ours %.3f, Belady %.3f: %.2f of the gap closed\n", name, 100 * share,
              rates.lru, rates.ours, rates.belady, rates.closed());
  CHECK(rates.belady > rates.ours);
  return rates;
}

}  // namespace

TEST(part_of_the_gap_to_the_future_is_closed) {
  double sum = 0;
  // As of Mixtral (favourites are weak) and of Qwen3-30B-A3B: four out of ten experts come again for the next token.
  const TraceSpec few{.topic_kept = 0.9f, .seed = 11};
  const TraceSpec weak{.skew = 0.3f, .topic = 0.5f, .chance = 1.0f, .topic_kept = 0.97f, .seed = 12};
  const TraceSpec many{.banks = 12, .experts = 128, .used = 8, .tokens = 150, .skew = 0.8f, .topic = 0.6f, .seed = 13};
  for (const double share : {0.3, 0.5}) {
    sum += Compare("2 of 8", few, share).closed();
    sum += Compare("2 of 8, weak topics", weak, share).closed();
  }
  sum += Compare("8 of 128", many, 0.17).closed();
  CHECK(sum / 5 >= 0.15);
}

TEST(a_cache_smaller_than_one_token_hits_all_the_same) {
  // Forgetting the oldest hits nothing but chance here: everything is overwritten before its layer comes again.
  const TraceSpec spec{.seed = 14};
  const HitRates rates = Compare("2 of 8", spec, 0.15);
  CHECK(rates.lru < 0.05);
  CHECK(rates.ours > 0.15);
}

TEST(the_wait_counts_the_way_to_the_bank) {
  stream::ExpertPolicy policy(std::vector<uint32_t>{4, 4});
  const std::vector<stream::ExpertUse> first{{0, 1}};
  for (int i = 0; i < 20; ++i) {
    policy.Observe(0, first, 1);
    policy.Observe(1, first, 1);
  }
  CHECK(policy.Wait(0, 0) < policy.Wait(1, 0));  // bank 1 has just been
  CHECK(policy.Wait(0, 1) > policy.Wait(0, 0) + 10);
  // A long prompt tells more than a token: shares of many tokens count as often.
  const std::vector<stream::ExpertUse> prompt{{1, 400}, {2, 100}};
  policy.Observe(0, prompt, 500);
  CHECK(policy.Wait(0, 1) < policy.Wait(0, 2));
  CHECK(policy.Wait(0, 2) < policy.Wait(0, 0));
}

TEST(what_was_used_in_the_past_counts_before_the_first_token) {
  stream::ExpertPolicy policy(std::vector<uint32_t>{2, 2});
  policy.Recall(std::vector<float>{0.9f, 0.1f, 0.2f, 0.8f});
  CHECK(policy.Wait(0, 0) + 1 < policy.Wait(0, 1));
  CHECK(policy.Wait(1, 1) + 1 < policy.Wait(1, 0));
  // Shares that no counting can give do no harm.
  policy.Recall(std::vector<float>{7.0f, -1.0f, 0.5f, 0.5f});
  CHECK(policy.Wait(0, 0) >= 0 && policy.Wait(0, 1) > 0);
}

ZELL_TEST_MAIN
