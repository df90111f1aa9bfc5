// Draft heads from building to use: answers stay what they are, in memory and from the disk; files that are none.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <future>

#include "check.h"
#include "model/arch/arch.h"
#include "model/draft_head.h"
#include "random_adapter.h"
#include "runtime/draft_builder.h"
#include "runtime/engine.h"
#include "small_model.h"

using namespace zell;
using runtime::DraftBuildOptions;
using runtime::Engine;
using runtime::StepItem;
using runtime::StepOutput;

namespace {

const std::atomic<bool> never = false;
constexpr uint64_t kMiB = 1 << 20;

std::string InTemp(const std::string& name) { return (std::filesystem::temp_directory_path() / name).string(); }

std::vector<std::vector<int32_t>> Prompts() {
  std::vector<std::vector<int32_t>> prompts(16);
  for (int32_t i = 0; i < 16; ++i) prompts[static_cast<size_t>(i)] = {i * 3 % 256, i * 7 % 256, i * 11 % 256};
  return prompts;
}

base::Result<runtime::DraftReport> Build(const std::string& model, const std::string& out, uint32_t blocks = 2,
                                         double least_gain = 0) {
  DraftBuildOptions options;
  options.most_tokens = 300;
  options.most_steps = 4;
  options.blocks = blocks;
  options.text_tokens = 40;
  options.vocabulary = 128;
  options.least_gain = least_gain;
  return runtime::BuildDraftHead(model, Prompts(), out, {.threads = 2}, options, nullptr, never);
}

/// Four layers, the embedding small beside them.
std::string WriteModel() {
  return test::WriteSmallModel({.layers = 4, .width = 64, .ffn = 96, .seed = 5}, "draft_head");
}

std::unique_ptr<Engine> Load(const std::string& model, const std::string& head, uint64_t limit = 0) {
  runtime::LoadOptions options{.threads = 2, .context_length = 256, .max_sequences = 3};
  options.draft_head = head;
  options.memory_limit = limit;
  auto engine = Engine::Load(model, options, nullptr, never);
  if (!engine.ok()) test::Fail(__FILE__, __LINE__, engine.status().message);
  return engine.ok() ? std::move(*engine) : nullptr;
}

std::vector<StepOutput> Step(Engine& engine, std::vector<StepItem> items) {
  std::promise<std::vector<StepOutput>> promise;
  const base::Status status =
      engine.Step(std::move(items), [&](auto result) { promise.set_value(std::move(*result)); });
  CHECK_EQ(status.message, "");
  return status.ok() ? promise.get_future().get() : std::vector<StepOutput>(1);
}

struct Answers {
  std::vector<std::vector<int32_t>> tokens;
  uint64_t proposed = 0, accepted = 0, steps = 0;
};

/// Three sequences side by side, each with as many guesses as `propose`; the last one is shorter than the others.
Answers Write(Engine& engine, uint32_t propose, float temperature, std::optional<uint32_t> adapter = {}) {
  Answers answers;
  answers.tokens.resize(3);
  std::vector<uint32_t> sequences;
  std::vector<std::vector<int32_t>> next;
  for (int32_t i = 0; i < 3; ++i) {
    sequences.push_back(engine.CreateSequence());
    sampling::SamplerParams params;
    params.temperature = temperature;
    params.seed = static_cast<uint32_t>(i);
    CHECK(engine.SetSampler(sequences.back(), params, {}).ok());
    next.push_back({10 + i, 20, 30, 40 + i});
  }
  const size_t wanted[] = {40, 40, 25};
  for (bool first = true;; first = false) {
    std::vector<StepItem> items;
    std::vector<size_t> whose;
    for (size_t i = 0; i < 3; ++i) {
      if (answers.tokens[i].size() >= wanted[i]) continue;
      StepItem item;
      item.sequence = sequences[i];
      item.tokens = next[i];
      item.propose = first ? 0 : propose;
      item.want.sample = true;
      if (adapter) item.adapters = {{*adapter, 1.0f}};
      items.push_back(std::move(item));
      whose.push_back(i);
    }
    if (items.empty()) break;
    ++answers.steps;
    const std::vector<StepOutput> outputs = Step(engine, std::move(items));
    for (size_t o = 0; o < outputs.size(); ++o) {
      const StepOutput& output = outputs[o];
      CHECK_EQ(output.status.message, "");
      if (!output.status.ok()) return answers;
      std::vector<int32_t>& text = answers.tokens[whose[o]];
      text.insert(text.end(), output.proposed.begin(), output.proposed.begin() + output.accepted);
      text.push_back(*output.sampled);
      next[whose[o]] = {*output.sampled};
      answers.proposed += output.proposed.size();
      answers.accepted += output.accepted;
      const auto length = engine.Length(output.sequence);
      CHECK(length.ok() && *length == 4 + text.size() - 1);
    }
  }
  for (size_t i = 0; i < 3; ++i) answers.tokens[i].resize(wanted[i]);
  for (const uint32_t sequence : sequences) engine.FreeSequence(sequence);
  return answers;
}

}  // namespace

TEST(answers_are_the_same_with_a_head_whatever_it_guesses) {
  const std::string model = WriteModel(), head = InTemp("zell_draft_head.draft");
  for (const uint32_t blocks : {1u, 2u}) {
    const auto report = Build(model, head, blocks);
    CHECK_EQ(report.status().message, "");
    REQUIRE(report.ok());
    CHECK(report->kept && report->tokens >= 300 && report->steps == 4 && report->parameters > 0);
    CHECK(report->tokens_per_check >= 1 && report->agreement >= 0 && report->agreement <= 1);
    CHECK_EQ(report->exit_layer, 1u);
    auto plain = Load(model, ""), guessing = Load(model, head);
    REQUIRE(plain != nullptr && guessing != nullptr);
    CHECK_EQ(plain->summary().draft_exit, 0u);
    CHECK_EQ(guessing->summary().draft_exit, 1u);
    CHECK_EQ(guessing->summary().draft_refused, "");
    for (const float temperature : {0.0f, 1.0f}) {
      const Answers expected = Write(*plain, 4, temperature);
      CHECK_EQ(expected.proposed, 0u);
      const Answers answers = Write(*guessing, 4, temperature);
      CHECK(answers.tokens == expected.tokens);
      CHECK(answers.proposed > answers.accepted);
      CHECK(answers.accepted == 0 || answers.steps < expected.steps);
    }
    CHECK(Write(*guessing, 0, 0).tokens == Write(*plain, 0, 0).tokens);
  }
}

TEST(answers_with_an_adapter_are_the_same) {
  const std::string model = WriteModel(), head = InTemp("zell_draft_adapter.draft");
  REQUIRE(Build(model, head).ok());
  const std::string adapter = InTemp("zell_draft_adapter.lora");
  auto plain = Load(model, ""), guessing = Load(model, head);
  REQUIRE(plain != nullptr && guessing != nullptr);
  REQUIRE(test::WriteRandomAdapter(*plain->summary().file, adapter, {}).ok());
  const auto one = plain->LoadAdapter(adapter), other = guessing->LoadAdapter(adapter);
  REQUIRE(one.ok() && other.ok());
  const Answers expected = Write(*plain, 0, 0, one->id);
  CHECK(expected.tokens != Write(*plain, 0, 0).tokens);
  CHECK(Write(*guessing, 6, 0, other->id).tokens == expected.tokens);
}

TEST(guesses_go_to_the_end_of_the_context_and_not_beyond) {
  const std::string model = WriteModel(), head = InTemp("zell_draft_end.draft");
  REQUIRE(Build(model, head).ok());
  auto engine = Load(model, head);
  REQUIRE(engine != nullptr);
  const uint32_t sequence = engine->CreateSequence();
  CHECK(engine->SetSampler(sequence, {.temperature = 0, .logit_bias = {}}, {}).ok());
  StepItem item;
  item.sequence = sequence;
  item.tokens.assign(253, 7);
  item.want.sample = true;
  CHECK_EQ(Step(*engine, {item})[0].status.message, "");
  item.tokens = {8};
  item.propose = 30;
  const StepOutput output = Step(*engine, {item})[0];
  CHECK_EQ(output.status.message, "");
  CHECK_EQ(output.proposed.size(), 2u);
  // More than one token is no place to guess from, nor is an item that wants something else.
  item.tokens = {8, 9};
  CHECK(Step(*engine, {item})[0].status.code == base::StatusCode::kInvalidRequest);
  item.tokens = {8};
  item.want.logits = true;
  CHECK(Step(*engine, {item})[0].status.code == base::StatusCode::kInvalidRequest);
  // Nothing is guessed that is less likely than asked for.
  engine->FreeSequence(sequence);
  StepItem sure;
  sure.sequence = engine->CreateSequence();
  CHECK(engine->SetSampler(sure.sequence, {.temperature = 0, .logit_bias = {}}, {}).ok());
  sure.tokens = {8};
  sure.propose = 30;
  sure.least_chance = 1.1f;
  sure.want.sample = true;
  CHECK(Step(*engine, {sure})[0].proposed.empty());
}

TEST(a_head_that_does_not_pay_is_not_kept) {
  const std::string model = WriteModel(), head = InTemp("zell_draft_worthless.draft");
  std::filesystem::remove(head);
  const auto report = Build(model, head, 1, 100.0);
  REQUIRE(report.ok());
  CHECK(!report->kept);
  CHECK(!std::filesystem::exists(head) && !std::filesystem::exists(head + ".part"));
  const std::atomic<bool> stopped = true;
  const auto cancelled = runtime::BuildDraftHead(model, Prompts(), head, {.threads = 2}, {}, nullptr, stopped);
  CHECK(cancelled.status().code == base::StatusCode::kCancelled);
  const auto few = runtime::BuildDraftHead(model, {{1}, {2}}, head, {.threads = 2}, {}, nullptr, never);
  CHECK(few.status().code == base::StatusCode::kInvalidRequest);
}

TEST(a_file_that_is_no_head_of_this_model_is_named_and_not_used) {
  const std::string model = WriteModel(), head = InTemp("zell_draft_bad.draft"), bad = InTemp("zell_draft_bad2.draft");
  REQUIRE(Build(model, head).ok());
  const auto refused = [&](const std::string& file, const std::string& path) {
    auto engine = Load(file, path);
    if (engine == nullptr) return std::string("no engine");
    CHECK_EQ(engine->summary().draft_exit, 0u);
    CHECK(!Write(*engine, 4, 0).tokens[0].empty());
    return engine->summary().draft_refused;
  };
  CHECK(refused(model, InTemp("zell_no_such.draft")) != "");
  CHECK(refused(model, model).find("is no draft head") != std::string::npos);
  const std::string other = test::WriteSmallModel({.layers = 4, .width = 64, .ffn = 96, .seed = 6}, "draft_head_other");
  CHECK(refused(other, head).find("another model") != std::string::npos);
  std::ifstream in(head, std::ios::binary);
  const std::string whole((std::istreambuf_iterator<char>(in)), {});
  // Cut short anywhere, or with any byte of its header changed, it is refused or serves; never anything else.
  const auto write = [&](const std::string& bytes) {
    std::ofstream(bad, std::ios::binary | std::ios::trunc)
        .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  };
  for (const size_t bytes : {size_t{0}, size_t{20}, size_t{300}, whole.size() / 2, whole.size() - 1}) {
    write(whole.substr(0, bytes));
    CHECK(refused(model, bad) != "");
  }
  auto file = gguf::File::Open(model);
  REQUIRE(file.ok());
  const size_t header = whole.find("draft.output_norm.weight");
  REQUIRE(header != std::string::npos);
  for (size_t at = 0; at < header + 60; at += 29) {
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 0x41);
    write(changed);
    auto opened = zell::model::DraftHead::Open(bad, **file);
    if (!opened.ok()) continue;
    auto plan = zell::model::BuildPlan(**file);
    REQUIRE(plan.ok());
    if (!(*opened)->AddTo(*plan).ok()) continue;
    const auto guess = (*opened)->GuessPlan(*plan);
    CHECK(backend::FindPlanError(*plan) == "" && backend::FindPlanError(guess) == "");
  }
}

TEST(answers_from_the_disk_are_the_same_and_guesses_read_nothing) {
  // Some 35 MB in layers; a step's scratch takes 20 more.
  const std::string model = test::WriteSmallModel({.layers = 8, .width = 512, .ffn = 2048}, "draft_streamed");
  const std::string head = InTemp("zell_draft_streamed.draft");
  DraftBuildOptions options;
  options.most_tokens = 24;
  options.most_steps = 1;
  options.text_tokens = 24;
  options.vocabulary = 64;
  options.least_gain = 0;
  REQUIRE(runtime::BuildDraftHead(model, Prompts(), head, {.threads = 2}, options, nullptr, never).ok());
  auto direct = Load(model, "");
  REQUIRE(direct != nullptr);
  const Answers expected = Write(*direct, 0, 0);
  bool streamed = false, refused = false;
  for (const uint64_t limit : {52 * kMiB, 40 * kMiB}) {
    auto engine = Load(model, head, limit);
    if (engine == nullptr) continue;
    const Answers answers = Write(*engine, 3, 0);
    CHECK(answers.tokens == expected.tokens);
    if (!engine->summary().memory.streams()) continue;
    (engine->summary().draft_exit > 0 ? streamed : refused) = true;
    CHECK_EQ(answers.proposed > 0, engine->summary().draft_exit > 0);
    if (engine->summary().draft_exit > 0) {
      // Layers that gave way, and come back when the engine finds that there is memory.
      engine->LimitLayers(0);
      CHECK(Write(*engine, 3, 0).tokens == expected.tokens);
    }
    if (engine->summary().draft_exit == 0)
      CHECK(engine->summary().draft_refused.find("no memory") != std::string::npos);
  }
  CHECK(streamed);
  CHECK(refused);
}

ZELL_TEST_MAIN
