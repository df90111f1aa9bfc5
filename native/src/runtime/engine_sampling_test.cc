// Samplers within steps: drafted text is the same with each of them, and what is reported after sampling.
#include <cmath>

#include "runtime/engine_testing.h"

using namespace zell;
using namespace zell::test;

namespace {

/// Twelve tokens one by one, then the same text guessed in one step: the same tokens and reports.
void CheckGuessing(Engine& engine, const sampling::SamplerParams& params, bool post_sampling) {
  runtime::Want want;
  want.post_sampling = post_sampling;
  want.sample = true;
  want.top_logprobs = 3;
  const std::vector<int32_t> prompt = Tokens(20);
  const uint32_t plain = engine.CreateSequence();
  CHECK(engine.SetSampler(plain, params, prompt).ok());
  std::vector<runtime::StepOutput> single;
  std::vector<int32_t> text = prompt;
  for (size_t i = 0; i < 12; ++i) {
    single.push_back(Step(engine, {Item(plain, i == 0 ? prompt : std::vector<int32_t>{text.back()}, want)})[0]);
    REQUIRE(single.back().sampled.has_value());
    text.push_back(*single.back().sampled);
  }
  // All right but the ninth.
  const uint32_t guessing = engine.CreateSequence();
  CHECK(engine.SetSampler(guessing, params, prompt).ok());
  StepItem item = Item(guessing, {text.begin(), text.begin() + 30}, want);
  item.draft = 10;
  item.tokens[28] ^= 1;
  const runtime::StepOutput out = Step(engine, {item})[0];
  REQUIRE(out.status.ok());
  REQUIRE(out.accepted == 8u);
  CHECK_EQ(*out.sampled, text[28]);
  REQUIRE(out.accepted_reports.size() == 8u);
  const auto same = [](const auto& a, const auto& b) { return a.token == b.token && a.logprob == b.logprob; };
  for (size_t i = 0; i < 9; ++i) {
    const auto& top = i < 8 ? out.accepted_reports[i].top : *out.top;
    CHECK_EQ(i < 8 ? out.accepted_reports[i].logprob : *out.sampled_logprob, *single[i].sampled_logprob);
    CHECK(std::equal(top.begin(), top.end(), single[i].top->begin(), single[i].top->end(), same));
  }
}

}  // namespace

TEST(guessed_tokens_report_what_sampled_ones_do_with_every_sampler) {
  auto engine = Load({}, {.threads = 2}, "engine_sampling_test");
  REQUIRE(engine != nullptr);
  sampling::SamplerParams plain = kGreedy;
  plain.temperature = 0.8f;
  plain.seed = 3;
  std::vector<sampling::SamplerParams> all(10, plain);
  all[0].repeat_penalty = 1.3f, all[0].repeat_last_n = 8;
  all[1].dry.multiplier = 2, all[1].dry.allowed_length = 0, all[1].dry.breaker_texts = {"\n", "ab"};
  all[2].xtc_probability = 0.5f, all[2].xtc_threshold = 0.01f;
  all[3].mirostat.version = 1, all[3].mirostat.tau = 3;
  all[4].mirostat.version = 2, all[4].mirostat.tau = 3;
  all[5].order.push_back(sampling::Step::kAdaptive), all[5].adaptive_target = 0.02f;
  all[6].typical_p = 0.7f, all[6].top_n_sigma = 2;
  all[7].dynamic_range = 0.5f, all[7].top_k = 50, all[7].min_keep = 3;
  all[8].order = {sampling::Step::kTopK, sampling::Step::kInfill}, all[8].top_k = 20;
  all[9].top_k = 40, all[9].top_p = 0.95f, all[9].min_p = 0.05f;
  for (const sampling::SamplerParams& params : all) {
    for (const bool post_sampling : {false, true}) CheckGuessing(*engine, params, post_sampling);
  }
}

TEST(log_probabilities_after_sampling_are_those_of_what_was_left) {
  auto engine = Load({}, {.threads = 2}, "engine_sampling_test");
  REQUIRE(engine != nullptr);
  sampling::SamplerParams params = kGreedy;
  params.temperature = 1;
  params.top_k = 4;
  const uint32_t s = engine->CreateSequence();
  CHECK(engine->SetSampler(s, params, {}).ok());
  runtime::Want want;
  want.sample = true;
  want.top_logprobs = 9;
  const runtime::StepOutput before = Step(*engine, {Item(s, Tokens(5), want)})[0];
  want.post_sampling = true;
  CHECK(engine->Truncate(s, 4).ok());
  const runtime::StepOutput after = Step(*engine, {Item(s, {Tokens(5).back()}, want)})[0];
  REQUIRE(before.top.has_value() && after.top.has_value());
  CHECK_EQ(before.top->size(), 9u);
  REQUIRE(after.top->size() == 4u);
  double mass = 0;
  for (size_t i = 0; i < 4; ++i) {
    CHECK_EQ((*after.top)[i].token, (*before.top)[i].token);
    mass += std::exp((*before.top)[i].logprob);
  }
  for (size_t i = 0; i < 4; ++i) {
    CHECK(std::abs(std::exp((*after.top)[i].logprob) - std::exp((*before.top)[i].logprob) / mass) < 1e-5);
  }
}

ZELL_TEST_MAIN
