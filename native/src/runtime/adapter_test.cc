// Adapters in a running engine: loaded, used, unloaded while sequences hold them, and what keys and values belong to.
#include <cstring>
#include <future>

#include "check.h"
#include "random_adapter.h"
#include "runtime/engine.h"
#include "small_model.h"

using namespace zell;
using base::StatusCode;
using runtime::Engine;
using runtime::StepItem;
using runtime::StepOutput;

namespace {

const std::atomic<bool> never = false;

struct Loaded {
  std::string adapter_path;
  std::unique_ptr<Engine> engine;

  Loaded() {
    const std::string path = test::WriteSmallModel({}, "adapter_test");
    auto file = gguf::File::Open(path);
    if (!file.ok()) return;
    adapter_path = Write(**file, "a", 1);
    auto loaded = Engine::Load(path, {.threads = 2}, nullptr, never);
    if (loaded.ok()) engine = std::move(*loaded);
  }

  static std::string Write(const gguf::File& model, const std::string& name, uint32_t seed) {
    const std::string path = (std::filesystem::temp_directory_path() / ("zell_adapter_test_" + name)).string();
    test::RandomAdapterFile what;
    what.seed = seed;
    what.size = 5;
    CHECK(test::WriteRandomAdapter(model, path, what).ok());
    return path;
  }
};

StepItem Item(uint32_t sequence, std::vector<int32_t> tokens, std::vector<lora::AdapterUse> adapters = {}) {
  StepItem item;
  item.sequence = sequence;
  item.tokens = std::move(tokens);
  item.adapters = std::move(adapters);
  item.want.logits = true;
  return item;
}

std::vector<StepOutput> Step(Engine& engine, std::vector<StepItem> items) {
  std::promise<std::vector<StepOutput>> promise;
  const base::Status status =
      engine.Step(std::move(items), [&](auto result) { promise.set_value(std::move(*result)); });
  if (!status.ok()) {
    test::Fail(__FILE__, __LINE__, status.message);
    return {};
  }
  return promise.get_future().get();
}

bool SameBits(const std::vector<float>& a, const std::vector<float>& b) {
  return !a.empty() && a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

}  // namespace

TEST(blocks_on_disk_are_read_for_the_adapters_that_computed_them) {
  Loaded loaded;
  REQUIRE(loaded.engine != nullptr);
  Engine& engine = *loaded.engine;
  REQUIRE(engine.LoadAdapter(loaded.adapter_path).ok());
  const std::string path = (std::filesystem::temp_directory_path() / "zell_adapter_test_blocks").string();
  const std::vector<uint64_t> seeds = {1, 2};
  const std::vector<lora::AdapterUse> with = {{0, 0.5f}};
  std::vector<int32_t> tokens;
  for (int32_t i = 0; i < 64; ++i) tokens.push_back((i * 37 + 11) % 256);
  const uint32_t s = engine.CreateSequence();
  Step(engine, {Item(s, tokens, with)});
  REQUIRE(engine.SaveBlocks(s, 0, path, {}, seeds).ok());
  const std::vector<float> computed = Step(engine, {Item(s, {7}, with)})[0].logits;

  const kv::BlockRange range{path, 0, 2, 0, 2};
  const auto restored = engine.BeginRestore(2, with);
  REQUIRE(restored.ok());
  CHECK_EQ(engine.FinishRestore(*restored, {&range, 1}, seeds), 64u);
  CHECK(Step(engine, {Item(*restored, {7})})[0].status.code == StatusCode::kInvalidRequest);
  const std::vector<float> again = Step(engine, {Item(*restored, {7}, with)})[0].logits;
  REQUIRE(!computed.empty() && again.size() == computed.size());
  CHECK(std::memcmp(again.data(), computed.data(), computed.size() * sizeof(float)) == 0);
  const std::vector<lora::AdapterUse> unknown = {{9, 1.0f}};
  CHECK(engine.BeginRestore(2, unknown).status().code == StatusCode::kNotFound);
  std::filesystem::remove(path);
}

TEST(an_adapter_changes_its_own_items_and_its_scale_counts) {
  Loaded l;
  REQUIRE(l.engine != nullptr);
  auto info = l.engine->LoadAdapter(l.adapter_path);
  REQUIRE(info.ok());
  CHECK_EQ(info->id, 0u);
  CHECK_EQ(l.engine->Adapters().size(), 1u);
  std::vector<uint32_t> s;
  for (int i = 0; i < 5; ++i) s.push_back(l.engine->CreateSequence());
  const std::vector<int32_t> tokens = {1, 2, 3};
  const auto out = Step(*l.engine, {Item(s[0], tokens), Item(s[1], tokens, {{0, 1}}), Item(s[2], tokens, {{0, 0.5}}),
                                    Item(s[3], tokens, {{0, 0}}), Item(s[4], tokens, {{0, 1}})});
  REQUIRE(out.size() == 5);
  for (const StepOutput& o : out) REQUIRE(o.status.ok());
  CHECK(!SameBits(out[0].logits, out[1].logits));
  CHECK(!SameBits(out[1].logits, out[2].logits));
  CHECK(SameBits(out[0].logits, out[3].logits));
  CHECK(SameBits(out[1].logits, out[4].logits));
}

TEST(keys_and_values_belong_to_their_adapters) {
  Loaded l;
  REQUIRE(l.engine != nullptr);
  REQUIRE(l.engine->LoadAdapter(l.adapter_path).ok() && l.engine->LoadAdapter(l.adapter_path).ok());
  const uint32_t s = l.engine->CreateSequence();
  CHECK(Step(*l.engine, {Item(s, {1}, {{1, 1}, {0, 0.5}})})[0].status.ok());
  CHECK(Step(*l.engine, {Item(s, {2}, {{0, 0.5}, {1, 1}})})[0].status.ok());
  for (const std::vector<lora::AdapterUse>& other :
       std::initializer_list<std::vector<lora::AdapterUse>>{{}, {{0, 0.5}}, {{0, 0.5}, {1, 0.9f}}}) {
    CHECK(Step(*l.engine, {Item(s, {3}, other)})[0].status.code == StatusCode::kInvalidRequest);
  }
  auto fork = l.engine->Fork(s, 1);
  REQUIRE(fork.ok());
  CHECK(Step(*l.engine, {Item(*fork, {3})})[0].status.code == StatusCode::kInvalidRequest);
  CHECK(Step(*l.engine, {Item(*fork, {3}, {{1, 1}, {0, 0.5}})})[0].status.ok());
  CHECK_EQ(*l.engine->Length(s), 2u);
  CHECK(l.engine->Truncate(s, 0).ok());
  CHECK(Step(*l.engine, {Item(s, {3})})[0].status.ok());
  const uint32_t t = l.engine->CreateSequence();
  CHECK(Step(*l.engine, {Item(t, {3}, {{0, 1}, {0, 1}})})[0].status.code == StatusCode::kInvalidRequest);
  CHECK(Step(*l.engine, {Item(t, {3}, {{0, NAN}})})[0].status.code == StatusCode::kInvalidRequest);
  CHECK(Step(*l.engine, {Item(t, {3}, {{2, 1}})})[0].status.code == StatusCode::kNotFound);
}

TEST(a_sequence_keeps_an_unloaded_adapter) {
  Loaded l;
  REQUIRE(l.engine != nullptr);
  REQUIRE(l.engine->LoadAdapter(l.adapter_path).ok());
  const uint32_t s = l.engine->CreateSequence(), u = l.engine->CreateSequence(), later = l.engine->CreateSequence();
  const std::vector<lora::AdapterUse> use = {{0, 1}};
  const auto before = Step(*l.engine, {Item(s, {1, 2}, use), Item(u, {1, 2}, use)});
  REQUIRE(before[0].status.ok());
  const auto expected = Step(*l.engine, {Item(u, {3}, use)});
  CHECK(l.engine->UnloadAdapter(0).ok());
  CHECK(l.engine->UnloadAdapter(0).code == StatusCode::kNotFound);
  CHECK(l.engine->Adapters().empty());
  // Another one in its place gets another id.
  auto next = l.engine->LoadAdapter(l.adapter_path);
  REQUIRE(next.ok());
  CHECK_EQ(next->id, 1u);
  const auto out = Step(*l.engine, {Item(s, {3}, use), Item(later, {1}, use)});
  CHECK(SameBits(out[0].logits, expected[0].logits));
  CHECK(out[1].status.code == StatusCode::kNotFound);
  l.engine->FreeSequence(s);
  CHECK(Step(*l.engine, {Item(later, {1}, {{1, 1}})})[0].status.ok());
}

TEST(loading_and_unloading_while_a_step_runs) {
  Loaded l;
  REQUIRE(l.engine != nullptr);
  REQUIRE(l.engine->LoadAdapter(l.adapter_path).ok());
  const std::vector<lora::AdapterUse> use = {{0, 1}};
  std::vector<int32_t> tokens;
  for (int i = 0; i < 900; ++i) tokens.push_back(i * 37 % 256);
  const uint32_t s = l.engine->CreateSequence(), t = l.engine->CreateSequence();
  const auto expected = Step(*l.engine, {Item(s, tokens, use)});
  std::promise<std::vector<StepOutput>> promise;
  CHECK(l.engine->Step({Item(t, tokens, use)}, [&](auto r) { promise.set_value(std::move(*r)); }).ok());
  for (int i = 0; i < 3; ++i) {
    auto other = l.engine->LoadAdapter(l.adapter_path);
    REQUIRE(other.ok());
    CHECK(l.engine->UnloadAdapter(other->id).ok());
  }
  const auto out = promise.get_future().get();
  CHECK(SameBits(out[0].logits, expected[0].logits));
  CHECK(!l.engine->LoadAdapter("/nonexistent.gguf").ok());
}

ZELL_TEST_MAIN
