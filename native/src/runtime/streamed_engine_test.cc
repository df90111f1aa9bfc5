// Engines whose experts or layers stay on the disk: answers of the same file in memory, files that change, plans that
// refuse.
#include <chrono>
#include <filesystem>
#include <future>

#include "check.h"
#include "random_adapter.h"
#include "runtime/engine.h"
#include "small_model.h"

using namespace zell;
using runtime::Engine;
using runtime::Strategy;

namespace {

const std::atomic<bool> never = false;
constexpr uint64_t kMiB = 1 << 20;

// Some 30 MB, all but 3 of them experts.
std::string WriteModel(const std::string& name) {
  return test::WriteSmallModel({.layers = 4, .width = 512, .ffn = 512, .experts = 8}, name);
}

// Some 35 MB in layers; a step's scratch takes 20 more.
std::string WriteDense(const std::string& name) {
  return test::WriteSmallModel({.layers = 8, .width = 512, .ffn = 2048}, name);
}

base::Result<std::unique_ptr<Engine>> Load(const std::string& path, uint64_t limit) {
  return Engine::Load(path, {.threads = 2, .context_length = 256, .max_sequences = 2, .memory_limit = limit}, nullptr,
                      never);
}

std::vector<runtime::StepOutput> Step(Engine& engine, std::vector<runtime::StepItem> items) {
  for (runtime::StepItem& item : items) item.want.logits = true;
  std::promise<std::vector<runtime::StepOutput>> promise;
  CHECK(engine.Step(std::move(items), [&](auto result) { promise.set_value(std::move(*result)); }).ok());
  return promise.get_future().get();
}

// Of two sequences side by side: prompts, then a token each. `adapter`: of the second.
std::vector<float> Logits(Engine& engine, std::optional<uint32_t> adapter = {}) {
  const uint32_t a = engine.CreateSequence(), b = engine.CreateSequence();
  std::vector<float> logits;
  const auto add = [&](std::vector<int32_t> first, std::vector<int32_t> second) {
    std::vector<runtime::StepItem> items(2);
    items[0].sequence = a, items[0].tokens = std::move(first);
    items[1].sequence = b, items[1].tokens = std::move(second);
    if (adapter) items[1].adapters = {{*adapter, 1.0f}};
    for (const runtime::StepOutput& output : Step(engine, std::move(items))) {
      CHECK_EQ(output.status.message, "");
      logits.insert(logits.end(), output.logits.begin(), output.logits.end());
    }
  };
  add({1, 2, 3, 40, 50, 60, 70, 80, 90, 100, 110}, {7, 8, 9});
  for (int32_t i = 0; i < 5; ++i) add({10 + i}, {200 - i});
  engine.FreeSequence(a);
  engine.FreeSequence(b);
  return logits;
}

}  // namespace

TEST(answers_are_the_same_with_any_limit) {
  const std::string path = WriteModel("streamed_engine");
  auto direct = Load(path, 0);
  REQUIRE(direct.ok());
  CHECK((*direct)->summary().memory.strategy == Strategy::kDirect);
  CHECK(!(*direct)->ExpertStats().has_value());
  const std::vector<float> expected = Logits(**direct);
  bool streamed = false, refused = false;
  for (uint64_t limit = 60 * kMiB; limit >= 4 * kMiB; limit -= limit > 24 * kMiB ? 12 * kMiB : 4 * kMiB) {
    auto engine = Load(path, limit);
    if (!engine.ok()) {
      CHECK(engine.status().code == base::StatusCode::kOutOfMemory);
      CHECK(engine.status().message.find("MiB are available") != std::string::npos);
      refused = true;
      continue;
    }
    CHECK(!refused);
    const runtime::MemoryPlan& plan = (*engine)->summary().memory;
    CHECK(plan.available_bytes <= limit);
    CHECK(Logits(**engine) == expected);
    if (!plan.streams()) continue;
    streamed = true;
    CHECK((*engine)->ResidentWeights() < 8 * kMiB);
    CHECK((*engine)->ExpertStats()->misses > 0);
    CHECK((*engine)->MoveWeightsToMemory(0, never).code == base::StatusCode::kUnsupported);
  }
  CHECK(streamed && refused);
}

TEST(answers_with_an_adapter_are_the_same_from_the_disk) {
  const std::string path = WriteModel("streamed_adapter");
  const std::string adapter = (std::filesystem::temp_directory_path() / "zell_streamed_adapter.lora").string();
  const auto file = gguf::File::Open(path);
  REQUIRE(file.ok());
  REQUIRE(test::WriteRandomAdapter(**file, adapter, {.wanted = [](const std::string& name) {
            return name.find(".attn_") != std::string::npos;
          }}).ok());
  std::vector<float> expected;
  for (const uint64_t limit : {uint64_t{0}, 24 * kMiB}) {
    auto engine = Load(path, limit);
    REQUIRE(engine.ok());
    CHECK_EQ((*engine)->summary().memory.streams(), limit > 0);
    const auto loaded = (*engine)->LoadAdapter(adapter);
    if (!loaded.ok()) return test::Fail(__FILE__, __LINE__, loaded.status().message);
    const std::vector<float> plain = Logits(**engine), changed = Logits(**engine, loaded->id);
    CHECK(plain != changed);
    if (limit == 0) expected = changed;
    CHECK(changed == expected);
  }
}

TEST(a_cache_that_shrinks_between_steps_changes_no_answer) {
  const std::string path = WriteModel("streamed_engine");
  auto direct = Load(path, 0), engine = Load(path, 30 * kMiB);
  REQUIRE(direct.ok() && engine.ok());
  const std::vector<float> expected = Logits(**direct);
  const auto cache = (*engine)->ExpertCacheNow();
  REQUIRE(cache.has_value());
  CHECK(cache->size.slots > cache->size.least_slots);
  CHECK_EQ(cache->shrunk, "");
  CHECK(!(*direct)->ExpertCacheNow().has_value());
  for (const uint64_t slots : {cache->size.slots, uint64_t{0}, cache->size.slots / 2, cache->size.slots}) {
    (*engine)->LimitExperts(slots);
    CHECK(Logits(**engine) == expected);
  }
}

TEST(the_summary_says_beforehand_what_the_load_does) {
  const std::string path = WriteModel("streamed_engine");
  for (const uint64_t limit : {uint64_t{0}, 30 * kMiB, 4 * kMiB}) {
    const auto summary = runtime::Inspect(path, {.threads = 2, .context_length = 256, .memory_limit = limit});
    REQUIRE(summary.ok());
    const auto engine = Load(path, limit);
    CHECK_EQ(summary->memory.fits(), engine.ok());
    if (engine.ok()) CHECK((*engine)->summary().memory.strategy == summary->memory.strategy);
  }
}

TEST(layers_from_the_disk_give_the_same_answers_with_any_limit) {
  const std::string path = WriteDense("streamed_dense");
  auto direct = Load(path, 0);
  REQUIRE(direct.ok());
  CHECK((*direct)->summary().memory.strategy == Strategy::kDirect);
  CHECK(!(*direct)->LayerStats().has_value());
  const std::vector<float> expected = Logits(**direct);
  int streamed = 0;
  bool refused = false;
  for (const uint64_t mib : {68, 60, 52, 44, 36, 28, 4}) {
    const uint64_t limit = mib * kMiB;
    const auto summary =
        runtime::Inspect(path, {.threads = 2, .context_length = 256, .max_sequences = 2, .memory_limit = limit});
    auto engine = Load(path, limit);
    REQUIRE(summary.ok());
    CHECK_EQ(summary->memory.fits(), engine.ok());
    if (!engine.ok()) {
      CHECK(engine.status().code == base::StatusCode::kOutOfMemory);
      CHECK(engine.status().message.find("even with its layers on the disk") != std::string::npos);
      refused = true;
      continue;
    }
    CHECK(!refused);
    CHECK(Logits(**engine) == expected);
    const runtime::MemoryPlan& plan = (*engine)->summary().memory;
    CHECK(plan.strategy == summary->memory.strategy);
    if (!plan.streams()) continue;
    ++streamed;
    CHECK((*engine)->ResidentWeights() <= plan.resident_bytes + kMiB);
    // Six steps of one pass each, and what is read ahead.
    const uint64_t read = (*engine)->LayerStats()->bytes_read;
    CHECK(read >= 6 * plan.streamed_bytes && read <= 6 * plan.streamed_bytes + plan.buffer_bytes);
    CHECK((*engine)->MoveWeightsToMemory(0, never).code == base::StatusCode::kUnsupported);
  }
  CHECK(streamed >= 3 && refused);
}

TEST(layers_that_leave_memory_between_steps_change_no_answer) {
  const std::string path = WriteDense("streamed_dense");
  auto direct = Load(path, 0), engine = Load(path, 44 * kMiB);
  REQUIRE(direct.ok() && engine.ok());
  const std::vector<float> expected = Logits(**direct);
  const auto kept = (*engine)->KeptLayersNow();
  REQUIRE(kept.has_value());
  CHECK(kept->size.slots > 0);
  CHECK_EQ(kept->size.slots, (*engine)->summary().memory.resident_matrices);
  CHECK_EQ(kept->shrunk, "");
  CHECK(!(*direct)->KeptLayersNow().has_value());
  for (const uint64_t matrices : {kept->size.slots, uint64_t{0}, kept->size.slots / 2, kept->size.slots}) {
    (*engine)->LimitLayers(matrices);
    CHECK(Logits(**engine) == expected);
  }
}

TEST(adapters_work_on_layers_from_the_disk) {
  const std::string path = WriteDense("streamed_dense");
  const std::string adapter = path + ".lora";
  {
    auto file = gguf::File::Open(path);
    REQUIRE(file.ok());
    test::RandomAdapterFile what;
    what.size = 5;
    REQUIRE(test::WriteRandomAdapter(**file, adapter, what).ok());
  }
  std::vector<std::vector<float>> logits;
  for (const uint64_t limit : {uint64_t{0}, 36 * kMiB}) {
    auto engine = Load(path, limit);
    REQUIRE(engine.ok());
    CHECK_EQ((*engine)->summary().memory.streams(), limit > 0);
    const auto info = (*engine)->LoadAdapter(adapter);
    REQUIRE(info.ok());
    logits.push_back(Logits(**engine, info->id));
    CHECK(Logits(**engine) != logits.back());
  }
  CHECK(logits[0] == logits[1]);
}

TEST(a_cancelled_step_leaves_the_stream_in_order) {
  const std::string path = WriteDense("streamed_dense");
  auto engine = Load(path, 36 * kMiB);
  REQUIRE(engine.ok());
  const std::vector<float> expected = Logits(**engine);
  for (int i = 0; i < 3; ++i) {
    const uint32_t sequence = (*engine)->CreateSequence();
    std::vector<runtime::StepItem> items(1);
    items[0].sequence = sequence;
    items[0].tokens.assign(200, 7);
    std::promise<base::StatusCode> code;
    const auto done = [&](auto result) {
      code.set_value(result.ok() ? (*result)[0].status.code : result.status().code);
    };
    REQUIRE((*engine)->Step(std::move(items), done).ok());
    std::this_thread::sleep_for(std::chrono::milliseconds(4 * i));
    (*engine)->Cancel(sequence);
    const base::StatusCode got = code.get_future().get();
    CHECK(got == base::StatusCode::kCancelled || got == base::StatusCode::kOk);
    (*engine)->FreeSequence(sequence);
  }
  CHECK(Logits(**engine) == expected);
}

TEST(a_file_that_changes_underneath_is_an_error) {
  for (const bool dense : {false, true}) {
    const std::string path = dense ? WriteDense("streamed_changing") : WriteModel("streamed_changing");
    auto engine = Load(path, (dense ? 36 : 30) * kMiB);
    REQUIRE(engine.ok());
    REQUIRE((*engine)->summary().memory.streams());
    std::filesystem::resize_file(path, 8 * kMiB);
    const uint32_t sequence = (*engine)->CreateSequence();
    std::vector<runtime::StepItem> items(1);
    items[0].sequence = sequence, items[0].tokens = {1, 2, 3};
    const auto outputs = Step(**engine, items);
    REQUIRE(outputs.size() == 1);
    CHECK(outputs[0].status.code == base::StatusCode::kIo);
    CHECK(outputs[0].status.message.find("changed") != std::string::npos);
    CHECK_EQ(*(*engine)->Length(sequence), 0u);  // nothing was committed
  }
}

ZELL_TEST_MAIN
