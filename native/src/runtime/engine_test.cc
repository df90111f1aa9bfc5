// A whole engine on a tiny model: steps, limits, cancellation, sharing.
#include <chrono>
#include <cstring>
#include <future>
#include <thread>

#include "runtime/engine_testing.h"

using namespace zell;
using namespace zell::test;

namespace {

runtime::Want Logits() {
  runtime::Want want;
  want.logits = true;
  return want;
}

}  // namespace

TEST(a_step_samples_scores_and_reports) {
  auto engine = Load();
  REQUIRE(engine != nullptr);
  const uint32_t s = engine->CreateSequence();
  CHECK(engine->SetSampler(s, kGreedy, {}).ok());
  runtime::Want want = Logits();
  want.sample = true;
  want.top_logprobs = 3;
  want.score = {5, -1, 7};
  want.hidden_layer = 2;
  want.pooled = runtime::Pooling::kMean;
  const auto out = Step(*engine, {Item(s, {1, 2, 3}, want)});
  REQUIRE(out.size() == 1 && out[0].status.ok());
  const size_t v = test::kSmallVocabulary;
  REQUIRE(out[0].logits.size() == 3 * v);
  const std::span<const float> last(out[0].logits.data() + 2 * v, v);
  CHECK_EQ(*out[0].sampled, sampling::TopLogprobs(last, 1)[0].token);
  CHECK_EQ(out[0].top->size(), 3u);
  CHECK_EQ(*out[0].sampled_logprob, (*out[0].top)[0].logprob);
  CHECK_EQ(out[0].scores[0], sampling::LogprobOf(std::span(out[0].logits.data(), v), 5));
  CHECK_EQ(out[0].scores[1], 0.0f);
  CHECK_EQ(out[0].scores[2], sampling::LogprobOf(last, 7));
  CHECK_EQ(out[0].hidden.size(), 256u);
  CHECK_EQ(out[0].pooled.size(), 256u);
  CHECK_EQ(*engine->Length(s), 3u);
  CHECK_EQ(engine->Usage().used, 1u);
}

TEST(a_prompt_longer_than_a_batch_equals_small_slices) {
  auto engine = Load();
  REQUIRE(engine != nullptr);
  const std::vector<int32_t> tokens = Tokens(700);
  const uint32_t a = engine->CreateSequence(), b = engine->CreateSequence();
  runtime::Want want = Logits();
  want.pooled = runtime::Pooling::kMean;
  const auto whole = Step(*engine, {Item(a, tokens, want)});
  REQUIRE(whole[0].status.ok());
  std::vector<float> logits;
  for (size_t i = 0; i < 700; i += 50) {
    const auto out = Step(
        *engine,
        {Item(b,
              {tokens.begin() + static_cast<std::ptrdiff_t>(i), tokens.begin() + static_cast<std::ptrdiff_t>(i + 50)},
              Logits())});
    logits.insert(logits.end(), out[0].logits.begin(), out[0].logits.end());
  }
  CHECK_EQ(logits.size(), whole[0].logits.size());
  CHECK(std::memcmp(logits.data(), whole[0].logits.data(), logits.size() * sizeof(float)) == 0);
  CHECK_EQ(whole[0].pooled.size(), 256u);
}

TEST(truncate_and_fork_equal_computing_again) {
  auto engine = Load();
  REQUIRE(engine != nullptr);
  const std::vector<int32_t> tokens = Tokens(80), rest(tokens.begin() + 45, tokens.end());
  const uint32_t s = engine->CreateSequence();
  const auto all = Step(*engine, {Item(s, tokens, Logits())});
  const size_t offset = 45 * test::kSmallVocabulary;
  const auto same = [&](const std::vector<float>& logits) {
    return logits.size() == all[0].logits.size() - offset &&
           std::memcmp(logits.data(), all[0].logits.data() + offset, logits.size() * sizeof(float)) == 0;
  };
  CHECK(engine->Truncate(s, 45).ok());
  const auto fork = engine->Fork(s, 45);
  REQUIRE(fork.ok());
  const auto both = Step(*engine, {Item(s, rest, Logits()), Item(*fork, rest, Logits())});
  CHECK(same(both[0].logits));
  CHECK(same(both[1].logits));
  CHECK(engine->Truncate(s, 81).code == base::StatusCode::kInvalidRequest);
  CHECK(!engine->Fork(s, 81).ok());
  CHECK(!engine->Fork(999, 0).ok());
  engine->FreeSequence(s);
  engine->FreeSequence(*fork);
  CHECK_EQ(engine->Usage().used, 0u);
}

TEST(a_tree_scores_its_paths_and_leaves_the_sequence) {
  auto engine = Load();
  REQUIRE(engine != nullptr);
  const uint32_t s = engine->CreateSequence();
  Step(*engine, {Item(s, Tokens(40))});
  StepItem tree = Item(s, {8, 9, 9}, Logits());
  tree.parents = {-1, 0, -1};
  const auto out = Step(*engine, {tree});
  REQUIRE(out[0].status.ok());
  CHECK_EQ(*engine->Length(s), 40u);
  CHECK_EQ(engine->Usage().used, 2u);
  const auto chain = Step(*engine, {Item(s, {8, 9}, Logits())});
  CHECK(std::memcmp(out[0].logits.data(), chain[0].logits.data(), chain[0].logits.size() * sizeof(float)) == 0);
}

TEST(guesses_change_nothing_but_the_number_of_steps) {
  auto engine = Load();
  REQUIRE(engine != nullptr);
  const sampling::SamplerParams params{
      .temperature = 1, .top_k = 0, .top_p = 1, .min_p = 0, .seed = 7, .logit_bias = {}};
  runtime::Want want;
  want.sample = true;
  const uint32_t plain = engine->CreateSequence();
  CHECK(engine->SetSampler(plain, params, {}).ok());
  std::vector<int32_t> text = Tokens(30);
  auto out = Step(*engine, {Item(plain, text, want)});
  while (text.size() < 70) {
    text.push_back(*out[0].sampled);
    out = Step(*engine, {Item(plain, {text.back()}, want)});
  }
  const uint32_t guessing = engine->CreateSequence();
  CHECK(engine->SetSampler(guessing, params, {}).ok());
  const auto begin = text.begin();
  std::vector<int32_t> said(begin, begin + 30);
  // Guesses of the prompt's own step count, too; of every four the one that `round` names is wrong.
  for (size_t round = 0, held = 0; said.size() < 60; ++round) {
    StepItem item = Item(guessing, {said.begin() + static_cast<std::ptrdiff_t>(held), said.end()}, want);
    for (size_t i = 0; i < 4; ++i) item.tokens.push_back(text[said.size() + i] ^ (round % 5 == i ? 1 : 0));
    item.draft = 4;
    held = said.size();
    const auto step = Step(*engine, {item});
    REQUIRE(step[0].status.ok() && step[0].sampled.has_value());
    CHECK_EQ(step[0].accepted, static_cast<uint32_t>(round % 5));
    for (uint32_t i = 0; i < step[0].accepted; ++i) said.push_back(text[said.size()]);
    held += step[0].accepted;
    CHECK_EQ(*engine->Length(guessing), static_cast<uint32_t>(held));
    said.push_back(*step[0].sampled);
    REQUIRE(std::equal(said.begin(), said.end(), begin));
  }
  // What wrong guesses wrote is gone: the same logits as without them.
  const std::vector<int32_t> next = {5, 6};
  CHECK(engine->Truncate(plain, 59).ok());
  CHECK(engine->Truncate(guessing, 59).ok());
  const auto a = Step(*engine, {Item(plain, next, Logits())}), b = Step(*engine, {Item(guessing, next, Logits())});
  CHECK(a[0].logits == b[0].logits);
}

TEST(guesses_that_make_no_sense_are_refused) {
  auto engine = Load();
  REQUIRE(engine != nullptr);
  const uint32_t s = engine->CreateSequence();
  CHECK(engine->SetSampler(s, kGreedy, {}).ok());
  runtime::Want want;
  want.sample = true;
  StepItem item = Item(s, {1, 2}, want);
  item.draft = 2;
  CHECK_EQ(Step(*engine, {item})[0].status.code, base::StatusCode::kInvalidRequest);
  item.draft = 1;
  item.want.logits = true;
  CHECK_EQ(Step(*engine, {item})[0].status.code, base::StatusCode::kInvalidRequest);
  item.want.logits = false;
  item.want.sample = false;
  CHECK_EQ(Step(*engine, {item})[0].status.code, base::StatusCode::kInvalidRequest);
  CHECK_EQ(*engine->Length(s), 0u);
}

TEST(items_fail_alone) {
  auto engine = Load({.context = 64});
  REQUIRE(engine != nullptr);
  const uint32_t a = engine->CreateSequence(), b = engine->CreateSequence(), c = engine->CreateSequence();
  StepItem adapted = Item(c, {1});
  adapted.adapters = {{7, 1.0f}};
  const auto out = Step(*engine, {Item(a, Tokens(65)), Item(b, Tokens(64)), adapted});
  CHECK(out[0].status.code == base::StatusCode::kContextOverflow);
  CHECK(out[1].status.ok());
  CHECK(out[2].status.code == base::StatusCode::kNotFound);
  CHECK_EQ(*engine->Length(a), 0u);
  CHECK_EQ(*engine->Length(b), 64u);
  for (const int32_t token : {-1, 258, INT32_MAX}) {
    CHECK(Step(*engine, {Item(a, {1, token})})[0].status.code == base::StatusCode::kInvalidRequest);
  }
  runtime::Want sample;
  sample.sample = true;
  CHECK(Step(*engine, {Item(a, {1}, sample)})[0].status.code == base::StatusCode::kInvalidRequest);
  for (const std::vector<int32_t>& parents : {std::vector<int32_t>{0}, {1, -1}, {-2, 0}, {-1, 1}}) {
    StepItem tree = Item(a, {1, 2});
    tree.parents = parents;
    CHECK(Step(*engine, {tree})[0].status.code == base::StatusCode::kInvalidRequest);
  }
}

TEST(a_full_cache_ends_the_item_and_nothing_else) {
  // One sequence of 64 tokens: two blocks in all.
  auto engine = Load({.context = 64}, {.threads = 1, .context_length = 0, .max_sequences = 1});
  REQUIRE(engine != nullptr);
  CHECK_EQ(engine->Usage().total, 2u);
  const uint32_t a = engine->CreateSequence(), b = engine->CreateSequence();
  Step(*engine, {Item(a, Tokens(32))});
  const auto out = Step(*engine, {Item(a, Tokens(20)), Item(b, Tokens(5))});
  CHECK(out[0].status.ok());
  CHECK(out[1].status.code == base::StatusCode::kOutOfMemory);
  CHECK_EQ(*engine->Length(a), 52u);
  CHECK_EQ(*engine->Length(b), 0u);
  engine->FreeSequence(a);
  CHECK(Step(*engine, {Item(b, Tokens(5))})[0].status.ok());
}

TEST(stretched_positions_leave_the_context_that_the_file_names) {
  for (const char* scaling : {"none", "linear", "yarn", "longrope"}) {
    test::SmallModel small{.layers = 1, .context = 128};
    small.change = [scaling](gguf::HeaderBuilder& header) {
      header.Set("llama.rope.scaling.type", std::string(scaling));
      header.Set("llama.rope.scaling.factor", 4.0f);
      header.Set("llama.rope.scaling.original_context_length", uint32_t{32});
    };
    // Neither the original length nor a multiple of the file's own is the limit; a wish may lower it, not raise it.
    for (const auto& [wish, limit] : {std::pair{0u, 128u}, {512u, 128u}, {96u, 96u}, {32u, 32u}}) {
      auto engine = Load(small, {.threads = 1, .context_length = wish});
      REQUIRE(engine != nullptr);
      CHECK_EQ(engine->summary().context_length, limit);
      const uint32_t s = engine->CreateSequence();
      CHECK(Step(*engine, {Item(s, Tokens(limit + 1))})[0].status.code == base::StatusCode::kContextOverflow);
      CHECK_EQ(*engine->Length(s), 0u);
      CHECK(Step(*engine, {Item(s, Tokens(limit))})[0].status.ok());
      CHECK(Step(*engine, {Item(s, {1})})[0].status.code == base::StatusCode::kContextOverflow);
      CHECK_EQ(*engine->Length(s), limit);
    }
  }
}

TEST(steps_that_make_no_sense_are_refused) {
  auto engine = Load();
  REQUIRE(engine != nullptr);
  const uint32_t s = engine->CreateSequence();
  const auto code = [&](std::vector<StepItem> items) { return engine->Step(std::move(items), [](auto) {}).code; };
  CHECK(code({Item(s, {1}), Item(s, {2})}) == base::StatusCode::kInvalidRequest);
  CHECK(code({Item(12345, {1})}) == base::StatusCode::kInvalidRequest);
  CHECK(Step(*engine, {}).empty());
  CHECK(Step(*engine, {Item(s, {1})})[0].status.ok());  // the refusals left no trace
}

TEST(a_cancelled_step_ends_soon_and_keeps_the_sequence) {
  auto engine = Load({.layers = 8, .width = 512, .ffn = 2048, .context = 32768});
  REQUIRE(engine != nullptr);
  const uint32_t s = engine->CreateSequence();
  Step(*engine, {Item(s, Tokens(10))});
  std::promise<std::vector<StepOutput>> promise;
  CHECK(engine->Step({Item(s, Tokens(20000))}, [&](auto r) { promise.set_value(std::move(*r)); }).ok());
  CHECK(engine->Step({}, [](auto) {}).code == base::StatusCode::kAlreadyRunning);
  CHECK(engine->Truncate(s, 1).code == base::StatusCode::kInvalidRequest);
  std::this_thread::sleep_for(std::chrono::milliseconds(30));
  engine->Cancel(s);
  auto future = promise.get_future();
  // 10 ms by contract; the rest is for a machine with other work.
  CHECK(future.wait_for(std::chrono::milliseconds(300)) == std::future_status::ready);
  CHECK(future.get()[0].status.code == base::StatusCode::kCancelled);
  CHECK_EQ(*engine->Length(s), 10u);
  CHECK_EQ(engine->Usage().used, 1u);
  CHECK(Step(*engine, {Item(s, {1})})[0].status.ok());  // forgotten
}

TEST(one_cancelled_item_leaves_its_neighbours_alone) {
  auto engine = Load();
  REQUIRE(engine != nullptr);
  const uint32_t a = engine->CreateSequence(), b = engine->CreateSequence();
  engine->Cancel(a);
  const auto out = Step(*engine, {Item(a, {1, 2}), Item(b, {3, 4}, Logits())});
  CHECK(out[0].status.code == base::StatusCode::kCancelled);
  CHECK(out[1].status.ok());
  CHECK_EQ(*engine->Length(a), 0u);
  CHECK_EQ(*engine->Length(b), 2u);
}

TEST(freeing_and_closing_while_a_step_runs) {
  auto engine = Load({.layers = 8, .width = 512, .ffn = 2048, .context = 32768});
  REQUIRE(engine != nullptr);
  uint32_t s = engine->CreateSequence();
  std::promise<void> freed;
  CHECK(engine->Step({Item(s, Tokens(20000))}, [&](auto) { freed.set_value(); }).ok());
  engine->FreeSequence(s);
  CHECK(!engine->Length(s).ok());
  freed.get_future().get();
  CHECK_EQ(engine->Usage().used, 0u);
  s = engine->CreateSequence();
  std::promise<std::vector<StepOutput>> promise;
  CHECK(engine->Step({Item(s, Tokens(20000))}, [&](auto r) { promise.set_value(std::move(*r)); }).ok());
  engine->Close();
  CHECK(promise.get_future().get()[0].status.code == base::StatusCode::kCancelled);
  CHECK(engine->Step({}, [](auto) {}).code == base::StatusCode::kAlreadyRunning);
}

TEST(loading_refuses_what_does_not_fit_and_what_it_does_not_know) {
  const auto load = [](const test::SmallModel& small) {
    auto engine = Engine::Load(test::WriteSmallModel(small, "engine_test"), {.threads = 1}, nullptr, kNever);
    return engine.ok() ? base::StatusCode::kOk : engine.status().code;
  };
  CHECK(load({.arch = "frobnicator"}) == base::StatusCode::kUnsupportedModel);
  test::SmallModel strange;
  strange.change = [](gguf::HeaderBuilder& h) { h.Set("tokenizer.ggml.model", std::string("frobnicator")); };
  CHECK(load(strange) == base::StatusCode::kUnsupportedModel);
  CHECK(!Engine::Load("/nonexistent.gguf", {}, nullptr, kNever).ok());
  const std::atomic<bool> stopped = true;
  auto stop = Engine::Load(test::WriteSmallModel({}, "engine_test"), {}, nullptr, stopped);
  CHECK(!stop.ok() && stop.status().code == base::StatusCode::kCancelled);
}

TEST(summaries_say_what_the_file_says) {
  const auto summary = runtime::Inspect(test::WriteSmallModel({}, "engine_test"), {.context_length = 512});
  REQUIRE(summary.ok());
  CHECK_EQ(summary->architecture, "llama");
  CHECK_EQ(summary->name, "zell_engine_test");
  CHECK_EQ(summary->quantization, "Q8_0");
  CHECK_EQ(summary->layers, 2u);
  CHECK_EQ(summary->context_length, 1024u);
  CHECK_EQ(summary->vocabulary_size, test::kSmallVocabulary);
  CHECK_EQ(summary->eos_text, "<|end|>");
  CHECK_EQ(summary->model_hash.size(), 16u);
  CHECK(summary->memory.fits());
  CHECK(summary->memory.needed_bytes > summary->memory.weights_bytes);
  const auto unknown = runtime::Inspect(test::WriteSmallModel({.arch = "frobnicator"}, "engine_test"), {});
  REQUIRE(unknown.ok());
  CHECK_EQ(unknown->architecture, "frobnicator");
}

ZELL_TEST_MAIN
