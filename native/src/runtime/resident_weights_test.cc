// Weights that move from the mapped file to memory: the same logits before, meanwhile and after.
#include <filesystem>
#include <future>
#include <thread>

#include "base/large_pages.h"
#include "check.h"
#include "runtime/engine.h"
#include "small_model.h"

using namespace zell;
using runtime::Engine;

namespace {

const std::atomic<bool> never = false;

/// Some 15 MB of matrices.
std::string WriteModel(const std::string& name) {
  test::SmallModel model{.width = 512, .ffn = 2048};
  model.type = [](const std::string&) { return quant::TensorType::kF16; };
  return test::WriteSmallModel(model, name);
}

std::unique_ptr<Engine> Load(const std::string& path) {
  auto engine = Engine::Load(path, {.threads = 2}, nullptr, never);
  if (!engine.ok()) test::Fail(__FILE__, __LINE__, engine.status().message);
  return engine.ok() ? std::move(*engine) : nullptr;
}

std::vector<float> Logits(Engine& engine) {
  const uint32_t sequence = engine.CreateSequence();
  runtime::StepItem item{.sequence = sequence, .tokens = {1, 2, 3, 40, 50}, .parents = {}, .adapters = {}, .want = {}};
  item.want.logits = true;
  std::promise<std::vector<runtime::StepOutput>> promise;
  CHECK(engine.Step({item}, [&](auto result) { promise.set_value(std::move(*result)); }).ok());
  std::vector<runtime::StepOutput> outputs = promise.get_future().get();
  CHECK(outputs.size() == 1 && outputs[0].status.ok());
  engine.FreeSequence(sequence);
  return outputs.empty() ? std::vector<float>() : outputs[0].logits;
}

}  // namespace

TEST(logits_are_the_same_mapped_in_memory_and_in_between) {
  auto engine = Load(WriteModel("resident_weights_test"));
  REQUIRE(engine != nullptr);
  const std::vector<float> mapped = Logits(*engine);
  CHECK(!mapped.empty());
  CHECK_EQ(engine->ResidentWeights(), uint64_t{0});
  if (!base::LargePagesAvailable()) {
    CHECK(engine->MoveWeightsToMemory(0, never).code == base::StatusCode::kUnsupported);
    return;
  }
  std::atomic<bool> done = false;
  base::Status status;
  std::thread mover([&] {
    status = engine->MoveWeightsToMemory(0, never);
    done = true;
  });
  for (int i = 0; i < 3 || !done; ++i) CHECK(Logits(*engine) == mapped);
  mover.join();
  CHECK(status.ok());
  CHECK(engine->ResidentWeights() >= uint64_t{10} << 20);
  CHECK(Logits(*engine) == mapped);
  const uint64_t bytes = engine->ResidentWeights();
  CHECK(engine->MoveWeightsToMemory(0, never).ok());  // nothing is left to do
  CHECK_EQ(engine->ResidentWeights(), bytes);
}

TEST(weights_stay_mapped_when_memory_is_short_or_nobody_waits) {
  auto engine = Load(WriteModel("resident_weights_test"));
  REQUIRE(engine != nullptr);
  if (!base::LargePagesAvailable()) return;
  const std::vector<float> mapped = Logits(*engine);
  CHECK(engine->MoveWeightsToMemory(uint64_t{1} << 59, never).code == base::StatusCode::kOutOfMemory);
  const std::atomic<bool> stopped = true;
  CHECK(engine->MoveWeightsToMemory(0, stopped).ok());
  CHECK_EQ(engine->ResidentWeights(), uint64_t{0});
  CHECK(Logits(*engine) == mapped);
  engine->Close();
  CHECK(engine->MoveWeightsToMemory(0, never).ok());
  CHECK_EQ(engine->ResidentWeights(), uint64_t{0});
}

TEST(a_file_that_shrank_stays_mapped) {
  const std::string path = WriteModel("resident_weights_shrunk");
  auto engine = Load(path);
  REQUIRE(engine != nullptr);
  if (!base::LargePagesAvailable()) return;
  std::filesystem::resize_file(path, 1000);
  CHECK(engine->MoveWeightsToMemory(0, never).code == base::StatusCode::kIo);
  CHECK_EQ(engine->ResidentWeights(), uint64_t{0});
}

ZELL_TEST_MAIN
