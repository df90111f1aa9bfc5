// Keys and values that were on disk are the computed ones, bit for bit; damage, cancellation and full memory harm
// nobody.
#include <cstring>
#include <filesystem>
#include <fstream>
#include <future>
#include <thread>

#include "check.h"
#include "runtime/engine.h"
#include "small_model.h"

using namespace zell;
using runtime::Engine;
using runtime::StepItem;
using runtime::StepOutput;

namespace {

const std::atomic<bool> never = false;
const std::vector<uint8_t> kHeader(40, 'z');
const std::vector<uint64_t> kSeeds = {1, 2, 3};

std::unique_ptr<Engine> Load(backend::KvType type = backend::KvType::kF16) {
  auto engine =
      Engine::Load(test::WriteSmallModel({}, "prefix_blocks_test"), {.threads = 2, .kv_type = type}, nullptr, never);
  if (!engine.ok()) test::Fail(__FILE__, __LINE__, engine.status().message);
  return engine.ok() ? std::move(*engine) : nullptr;
}

std::string PathOf(const char* name) {
  return (std::filesystem::temp_directory_path() / (std::string("zell_prefix_blocks_test_") + name)).string();
}

std::vector<int32_t> Tokens(size_t first, size_t end) {
  std::vector<int32_t> tokens;
  for (size_t i = first; i < end; ++i) tokens.push_back(static_cast<int32_t>((i * 37 + 11) % 256));
  return tokens;
}

std::vector<float> Evaluate(Engine& engine, uint32_t sequence, std::vector<int32_t> tokens) {
  std::promise<std::vector<StepOutput>> promise;
  StepItem item;
  item.sequence = sequence;
  item.tokens = std::move(tokens);
  item.want.logits = true;
  const base::Status status = engine.Step({item}, [&](auto result) { promise.set_value(std::move(*result)); });
  if (!status.ok()) return {};
  std::vector<StepOutput> outputs = promise.get_future().get();
  return outputs[0].status.ok() ? outputs[0].logits : std::vector<float>();
}

bool Same(const std::vector<float>& a, const std::vector<float>& b) {
  return !a.empty() && a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

kv::BlockRange All(const std::string& path) { return {path, kHeader.size(), 3, 0, 3}; }

}  // namespace

TEST(restored_blocks_equal_computed_ones_in_another_engine) {
  for (const backend::KvType type :
       {backend::KvType::kF16, backend::KvType::kQ8_0, backend::KvType::kQ8Q4, backend::KvType::kQ4_0}) {
    const std::string path = PathOf("same");
    auto engine = Load(type);
    REQUIRE(engine != nullptr);
    const uint32_t s = engine->CreateSequence();
    Evaluate(*engine, s, Tokens(0, 100));
    REQUIRE(engine->SaveBlocks(s, 0, path, kHeader, kSeeds).ok());
    CHECK(engine->Truncate(s, 96).ok());
    const std::vector<float> computed = Evaluate(*engine, s, Tokens(96, 120));

    auto other = Load(type);
    REQUIRE(other != nullptr);
    const auto r = other->BeginRestore(3);
    REQUIRE(r.ok());
    CHECK_EQ(other->Usage().used, 3u);
    const kv::BlockRange range = All(path);
    CHECK_EQ(other->FinishRestore(*r, {&range, 1}, kSeeds), 96u);
    CHECK_EQ(*other->Length(*r), 96u);
    CHECK(Same(Evaluate(*other, *r, Tokens(96, 120)), computed));
    other->FreeSequence(*r);
    CHECK_EQ(other->Usage().used, 0u);
    std::filesystem::remove(path);
  }
}

// Whoever gave its memory away goes on with the sampler that it had.
TEST(a_sequence_that_adopts_its_beginning_goes_on_as_if_nothing_happened) {
  auto engine = Load();
  REQUIRE(engine != nullptr);
  const auto sample = [&](uint32_t sequence, std::vector<int32_t> tokens) {
    std::promise<int32_t> promise;
    StepItem item;
    item.sequence = sequence;
    item.tokens = std::move(tokens);
    item.want.sample = true;
    const auto done = [&](auto result) { promise.set_value(result.ok() ? (*result)[0].sampled.value_or(-1) : -1); };
    return engine->Step({item}, done).ok() ? promise.get_future().get() : -1;
  };
  sampling::SamplerParams params;
  params.temperature = 1.5f;
  params.seed = 7;
  std::vector<int32_t> texts[2];
  for (const bool interrupted : {false, true}) {
    const uint32_t s = engine->CreateSequence();
    REQUIRE(engine->SetSampler(s, params, {}).ok());
    std::vector<int32_t>& text = texts[interrupted];
    text = Tokens(0, 70);
    text.push_back(sample(s, text));
    for (int i = 0; i < 20; ++i) {
      if (interrupted && i == 9) {
        const auto kept = engine->Fork(s, 64);
        REQUIRE(kept.ok());
        CHECK(!engine->Adopt(s, *kept, 64).ok());  // it holds tokens
        CHECK(engine->Truncate(s, 0).ok());
        CHECK(!engine->Adopt(s, *kept, 65).ok());
        CHECK(!engine->Adopt(s, 999, 1).ok());
        CHECK(engine->Adopt(s, *kept, 50).ok());
        engine->FreeSequence(*kept);
        text.push_back(sample(s, {text.begin() + 50, text.end()}));
      } else {
        text.push_back(sample(s, {text.back()}));
      }
    }
    CHECK_EQ(*engine->Length(s), text.size() - 1);
    engine->FreeSequence(s);
  }
  CHECK(texts[0] == texts[1]);
  CHECK_EQ(engine->Usage().used, 0u);
}

TEST(a_chain_of_files_is_one_prefix) {
  const std::string first = PathOf("first"), second = PathOf("second");
  auto engine = Load();
  REQUIRE(engine != nullptr);
  const uint32_t s = engine->CreateSequence();
  Evaluate(*engine, s, Tokens(0, 100));
  REQUIRE(engine->SaveBlocks(s, 0, first, kHeader, std::span(kSeeds).first(2)).ok());
  REQUIRE(engine->SaveBlocks(s, 2, second, {}, std::span(kSeeds).subspan(2)).ok());
  const auto r = engine->BeginRestore(3);
  REQUIRE(r.ok());
  const std::vector<kv::BlockRange> ranges = {{first, kHeader.size(), 2, 0, 2}, {second, 0, 1, 0, 1}};
  CHECK_EQ(engine->FinishRestore(*r, ranges, kSeeds), 96u);
  CHECK(engine->Truncate(s, 96).ok());
  CHECK(Same(Evaluate(*engine, *r, Tokens(96, 100)), Evaluate(*engine, s, Tokens(96, 100))));
  std::filesystem::remove(first);
  std::filesystem::remove(second);
}

TEST(a_damaged_block_leaves_what_comes_before_it) {
  const std::string path = PathOf("damaged");
  auto engine = Load();
  REQUIRE(engine != nullptr);
  const uint32_t s = engine->CreateSequence();
  const std::vector<float> all = Evaluate(*engine, s, Tokens(0, 100));
  REQUIRE(engine->SaveBlocks(s, 0, path, kHeader, kSeeds).ok());
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 1);
  const auto r = engine->BeginRestore(3);
  REQUIRE(r.ok());
  const kv::BlockRange range = All(path);
  CHECK_EQ(engine->FinishRestore(*r, {&range, 1}, kSeeds), 64u);
  const std::vector<float> rest = Evaluate(*engine, *r, Tokens(64, 100));
  CHECK(Same(rest, {all.end() - static_cast<std::ptrdiff_t>(rest.size()), all.end()}));
  std::filesystem::remove(path);
  const auto absent = engine->BeginRestore(3);
  REQUIRE(absent.ok());
  CHECK_EQ(engine->FinishRestore(*absent, {&range, 1}, kSeeds), 0u);
  CHECK_EQ(*engine->Length(*absent), 0u);
}

TEST(saving_and_reading_go_on_beside_steps_and_frees) {
  const std::string path = PathOf("beside");
  auto engine = Load();
  REQUIRE(engine != nullptr);
  const uint32_t s = engine->CreateSequence();
  Evaluate(*engine, s, Tokens(0, 100));
  const auto r = engine->BeginRestore(3);
  REQUIRE(r.ok());
  // Nobody may use it before it is read, but it can be given up.
  CHECK(Evaluate(*engine, *r, Tokens(0, 1)).empty());
  CHECK(!engine->Fork(*r, 0).ok());
  CHECK(!engine->Truncate(*r, 0).ok());
  const uint32_t saved = *engine->Fork(s, 100);
  std::thread writer([&] {
    CHECK(engine->SaveBlocks(saved, 0, path, kHeader, kSeeds).ok());
    const kv::BlockRange range = All(path);
    CHECK_EQ(engine->FinishRestore(*r, {&range, 1}, kSeeds), 96u);
  });
  for (size_t i = 100; i < 200; ++i) CHECK(!Evaluate(*engine, s, Tokens(i, i + 1)).empty());
  engine->FreeSequence(*r);
  writer.join();
  engine->FreeSequence(s);
  engine->FreeSequence(saved);
  CHECK(!engine->Length(*r).ok());
  CHECK_EQ(engine->Usage().used, 0u);
  std::filesystem::remove(path);
}

TEST(what_cannot_be_is_refused) {
  auto engine = Load();
  REQUIRE(engine != nullptr);
  const uint32_t s = engine->CreateSequence();
  Evaluate(*engine, s, Tokens(0, 95));
  CHECK(engine->SaveBlocks(s, 0, PathOf("x"), kHeader, kSeeds).code == base::StatusCode::kInvalidRequest);
  CHECK(engine->SaveBlocks(s, UINT32_MAX, PathOf("x"), kHeader, kSeeds).code == base::StatusCode::kInvalidRequest);
  CHECK(engine->SaveBlocks(999, 0, PathOf("x"), kHeader, kSeeds).code == base::StatusCode::kInvalidRequest);
  CHECK(engine->BeginRestore(UINT32_MAX).status().code == base::StatusCode::kInvalidRequest);
  CHECK(!std::filesystem::exists(PathOf("x")));
}

ZELL_TEST_MAIN
