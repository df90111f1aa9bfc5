// Whole trainings of a tiny model: they learn, end at the same bits whatever happens in between, and write an adapter
// that inference runs.
#include "train/trainer.h"

#include <atomic>
#include <chrono>
#include <cmath>
#include <cstring>
#include <fstream>
#include <thread>

#include "check.h"
#include "lora/adapter.h"
#include "tiny_training.h"
#include "train/batches.h"
#include "train/checkpoint.h"

using namespace zell;
using base::StatusCode;
using train::Item;
using train::Progress;
using train::Recipe;
using train::Trainer;

namespace {

std::string Temporary(const std::string& name) {
  return (std::filesystem::temp_directory_path() / ("zell_trainer_test_" + name)).string();
}

const std::string& Model() {
  static const std::string path = test::WriteTinyModel("llama", quant::TensorType::kQ8_0, "trainer");
  return path;
}

Recipe SmallRecipe(int threads = 2) {
  Recipe recipe;
  recipe.rank = 8;
  recipe.learning_rate = 1e-2;
  recipe.batch_items = 4;
  recipe.epochs = 3;
  recipe.row_tokens = 64;
  recipe.threads = threads;
  return recipe;
}

/// Eight questions, each with an answer of its own, and two anchors.
std::vector<Item> Items(Trainer& trainer) {
  std::vector<Item> items;
  for (int i = 0; i < 10; ++i) {
    Item item;
    for (int t = 0; t < 10; ++t) item.tokens.push_back((i * 31 + t * 7) % 256);
    item.loss.assign(10, 0);
    for (int t = 6; t < 10; ++t) item.loss[static_cast<size_t>(t)] = 1;
    if (i >= 8) {
      auto base = trainer.BaseDistributions(item, 8);
      CHECK(base.ok());
      if (!base.ok()) return {};
      item.anchor = true;
      item.top = base->top;
      item.ids = base->ids;
      item.logprobs = base->logprobs;
    }
    items.push_back(item);
  }
  return items;
}

std::unique_ptr<Trainer> Open(const Recipe& recipe, const std::string& warm = "") {
  auto trainer = Trainer::Open(Model(), recipe, warm);
  if (!trainer.ok()) {
    test::Fail(__FILE__, __LINE__, trainer.status().message);
    return nullptr;
  }
  CHECK((*trainer)->AddItems(Items(**trainer)).ok());
  return std::move(*trainer);
}

std::string Undisturbed() {
  static const std::string hash = [] {
    const auto trainer = Open(SmallRecipe());
    CHECK(trainer->Run(1000, nullptr).ok());
    return trainer->AdapterHash();
  }();
  return hash;
}

}  // namespace

TEST(it_learns_and_reports_every_step) {
  Recipe recipe = SmallRecipe();
  recipe.epochs = 30;
  const auto trainer = Open(recipe);
  REQUIRE(trainer != nullptr);
  CHECK_EQ(trainer->Steps(), uint64_t{80});  // 8 items x 30 over 3 a step, one anchor beside them
  std::vector<Progress> steps;
  const auto last = trainer->Run(1000, [&](const Progress& p) { steps.push_back(p); });
  REQUIRE(last.ok() && steps.size() == 80);
  CHECK(steps[0].loss > 3);
  CHECK(last->loss < 0.05);
  CHECK(steps[0].anchor_loss < 1e-3);  // nothing has changed yet
  CHECK(last->anchor_loss < 0.5);
  CHECK_EQ(last->step, uint64_t{80});
  CHECK_EQ(steps[0].tokens, uint64_t{40});
  CHECK(steps[0].learning_rate < steps[5].learning_rate && last->learning_rate < 0.0011);
}

TEST(threads_change_no_bit) {
  for (const int threads : {1, 3}) {
    const auto trainer = Open(SmallRecipe(threads));
    REQUIRE(trainer != nullptr);
    CHECK(trainer->Run(1000, nullptr).ok());
    CHECK_EQ(trainer->AdapterHash(), Undisturbed());
  }
  Recipe other = SmallRecipe();
  other.seed = 2;
  const auto trainer = Open(other);
  CHECK(trainer->Run(1000, nullptr).ok());
  CHECK(trainer->AdapterHash() != Undisturbed());
}

TEST(both_kinds_of_products_learn_the_same_up_to_rounding) {
  Recipe f32 = SmallRecipe(), split = SmallRecipe();
  f32.numerics = train::Numerics::kF32;
  split.numerics = train::Numerics::kBf16x3;
  const auto one = Open(f32), other = Open(split);
  REQUIRE(one != nullptr && other != nullptr);
  std::vector<double> losses[2];
  CHECK(one->Run(1000, [&](const Progress& p) { losses[0].push_back(p.loss + p.anchor_loss); }).ok());
  CHECK(other->Run(1000, [&](const Progress& p) { losses[1].push_back(p.loss + p.anchor_loss); }).ok());
  CHECK_EQ(losses[0].size(), 8u);
  REQUIRE(losses[0].size() == losses[1].size());
  for (size_t i = 0; i < losses[0].size(); ++i) CHECK(std::fabs(losses[1][i] / losses[0][i] - 1) < 1e-3);
  CHECK(one->AdapterHash() != other->AdapterHash());
}

TEST(a_training_ends_at_the_same_bits_from_any_checkpoint) {
  const std::string path = Temporary("checkpoint");
  for (const uint64_t steps : {0u, 1u, 4u, 7u}) {
    {
      const auto first = Open(SmallRecipe(1));
      REQUIRE(first != nullptr);
      CHECK(first->Run(steps, nullptr).ok());
      CHECK(first->SaveCheckpoint(path).ok());
      CHECK(first->Run(1, nullptr).ok());  // lost: nobody saved it
    }
    const auto second = Open(SmallRecipe(2));
    CHECK(second->LoadCheckpoint(path).ok());
    const auto last = second->Run(1000, nullptr);
    REQUIRE(last.ok());
    CHECK_EQ(last->step, uint64_t{8});
    CHECK_EQ(last->total_tokens, uint64_t{320});
    CHECK_EQ(second->AdapterHash(), Undisturbed());
  }
}

TEST(stopping_in_the_middle_of_steps_loses_nothing_else) {
  const auto trainer = Open(SmallRecipe());
  REQUIRE(trainer != nullptr);
  std::atomic<bool> done = false;
  std::thread stopper([&] {
    while (!done.load()) {
      trainer->Stop();
      std::this_thread::sleep_for(std::chrono::microseconds(700));
    }
  });
  int cancelled = 0;
  bool finished = false;
  for (int i = 0; i < 3000 && !finished; ++i) {
    const auto result = trainer->Run(1000, nullptr);
    finished = result.ok();
    if (!result.ok()) {
      CHECK(result.status().code == StatusCode::kCancelled);
      ++cancelled;
    }
    if (i == 200) done = true;
  }
  done = true;
  stopper.join();
  CHECK(finished || trainer->Run(1000, nullptr).ok() || trainer->Run(1000, nullptr).ok());
  CHECK(cancelled > 0);
  CHECK_EQ(trainer->AdapterHash(), Undisturbed());
}

TEST(a_pause_lasts_until_it_ends) {
  const auto trainer = Open(SmallRecipe());
  REQUIRE(trainer != nullptr);
  std::atomic<uint64_t> steps = 0;
  trainer->Pause();
  std::thread runner([&] { CHECK(trainer->Run(1000, [&](const Progress& p) { steps = p.step; }).ok()); });
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  CHECK_EQ(steps.load(), uint64_t{0});
  trainer->Resume();
  runner.join();
  CHECK_EQ(steps.load(), uint64_t{8});
  CHECK_EQ(trainer->AdapterHash(), Undisturbed());
}

TEST(damaged_and_foreign_checkpoints_are_refused_and_change_nothing) {
  const std::string path = Temporary("damage");
  const auto trainer = Open(SmallRecipe());
  REQUIRE(trainer != nullptr);
  CHECK(trainer->Run(2, nullptr).ok());
  CHECK(trainer->SaveCheckpoint(path).ok());
  const std::string before = trainer->AdapterHash();
  std::ifstream in(path, std::ios::binary);
  const std::string whole((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  in.close();
  const auto read = [&](const std::string& bytes) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
    return trainer->LoadCheckpoint(path).code;
  };
  for (const size_t length : {size_t{0}, size_t{7}, size_t{71}, size_t{72}, whole.size() - 1, whole.size() / 2}) {
    CHECK(read(whole.substr(0, length)) == StatusCode::kBadModelFile);
  }
  CHECK(read(whole + "x") == StatusCode::kBadModelFile);
  for (size_t at = 0; at < whole.size(); at += whole.size() / 37) {
    std::string flipped = whole;
    flipped[at] = static_cast<char>(flipped[at] ^ 0x10);
    const StatusCode code = read(flipped);
    CHECK(code == StatusCode::kBadModelFile || (at >= 16 && at < 48 && code == StatusCode::kInvalidRequest));
  }
  CHECK_EQ(trainer->AdapterHash(), before);
  CHECK(read(whole) == StatusCode::kOk);
  Recipe other = SmallRecipe();
  other.learning_rate = 2e-2;
  CHECK(Open(other)->LoadCheckpoint(path).code == StatusCode::kInvalidRequest);
  // A training goes on with the products that it began with.
  const bool f32 = trainer->plan().numerics == train::Numerics::kF32;
  Recipe numerics = SmallRecipe();
  numerics.numerics = f32 ? train::Numerics::kBf16x3 : train::Numerics::kF32;
  CHECK(Open(numerics)->LoadCheckpoint(path).code == StatusCode::kInvalidRequest);
  numerics.numerics = trainer->plan().numerics;
  CHECK(Open(numerics)->LoadCheckpoint(path).ok());
  CHECK(trainer->LoadCheckpoint(Temporary("nothing")).code == StatusCode::kNotFound);
}

TEST(the_adapter_loads_for_inference_and_for_another_night) {
  const std::string path = Temporary("adapter.lora");
  const auto trainer = Open(SmallRecipe());
  REQUIRE(trainer != nullptr);
  CHECK(trainer->Run(1000, nullptr).ok());
  const auto hash = trainer->SaveAdapter(path, {{"zell.events.root", "abc"}});
  REQUIRE(hash.ok());
  CHECK(trainer->SaveAdapter(path, {{"general.name", "x"}}).status().code == StatusCode::kInvalidRequest);
  auto file = gguf::File::Open(Model());
  REQUIRE(file.ok());
  auto plan = model::BuildPlan(**file);
  const auto adapter = lora::Adapter::Load(path, **file, *plan, 0);
  if (!adapter.ok()) test::Fail(__FILE__, __LINE__, adapter.status().message);
  REQUIRE(adapter.ok());
  CHECK_EQ((*adapter)->info().matrices, 14u);
  CHECK_EQ((*adapter)->info().rank, 8u);
  CHECK_EQ((*adapter)->info().sha256, *hash);
  CHECK_EQ((*adapter)->info().base_hash, trainer->plan().model_hash);
  const auto written = gguf::File::Open(path);
  REQUIRE(written.ok());
  CHECK((*written)->Str("zell.recipe.numerics") == train::NameOf(trainer->plan().numerics));
  // A warm start begins where the adapter ends: the loss of its first step is low.
  Recipe recipe = SmallRecipe();
  recipe.rank = 3;  // the adapter's own counts
  const auto next = Open(recipe, path);
  REQUIRE(next != nullptr);
  CHECK_EQ(next->AdapterHash(), trainer->AdapterHash());
  const auto cold = Open(SmallRecipe())->Run(1, nullptr), warm = next->Run(1, nullptr);
  REQUIRE(cold.ok() && warm.ok());
  CHECK(warm->loss < 0.8 * cold->loss);
}

TEST(what_does_not_fit_is_refused_with_numbers) {
  Recipe recipe;
  recipe.rank = 4096;
  recipe.row_tokens = 65536;
  recipe.threads = 1;
  const std::string path = Temporary("large.gguf");
  test::RandomModelSpec spec;
  spec.shape = {.layers = 200, .width = 4096, .heads = 32, .kv_heads = 8, .ffn = 16384, .context = 65536};
  spec.type = quant::TensorType::kQ4_0;
  spec.distinct_rows = 1;
  spec.shape = {.layers = 2, .width = 4096, .heads = 32, .kv_heads = 8, .ffn = 65536, .context = 65536};
  REQUIRE(test::WriteRandomModel(path, spec).ok());
  const auto trainer = Trainer::Open(path, recipe, "");
  std::filesystem::remove(path);
  // A machine with 200 GiB for it exists; this test is for the others.
  if (trainer.ok()) SKIP("this machine has memory for it");
  CHECK(trainer.status().code == StatusCode::kOutOfMemory);
  CHECK(trainer.status().message.find("MiB are available") != std::string::npos);
}

TEST(items_are_checked) {
  auto opened = Trainer::Open(Model(), SmallRecipe(), "");
  REQUIRE(opened.ok());
  Trainer& trainer = **opened;
  CHECK(trainer.Run(1, nullptr).status().code == StatusCode::kInvalidRequest);
  const Item good{.tokens = {1, 2, 3}, .loss = {0, 0, 1}, .ids = {}, .logprobs = {}};
  const auto code = [&](auto change) {
    Item item = good;
    change(item);
    return trainer.AddItems({good, item}).code;
  };
  CHECK(code([](Item& i) { i.tokens[0] = -1; }) == StatusCode::kInvalidRequest);
  CHECK(code([](Item& i) { i.tokens[0] = 1 << 20; }) == StatusCode::kInvalidRequest);
  CHECK(code([](Item& i) { i.loss = {1, 0, 1}; }) == StatusCode::kInvalidRequest);
  CHECK(code([](Item& i) { i.loss = {0, 0, 0}; }) == StatusCode::kInvalidRequest);
  CHECK(code([](Item& i) { i.loss = {0, 1}; }) == StatusCode::kInvalidRequest);
  CHECK(code([](Item& i) { i.weight = 0; }) == StatusCode::kInvalidRequest);
  CHECK(code([](Item& i) { i.anchor = true; }) == StatusCode::kInvalidRequest);
  CHECK(code([](Item& i) { i.top = 1; }) == StatusCode::kInvalidRequest);
  const auto teach = [](Item& i, std::vector<int32_t> ids, std::vector<float> logprobs) {
    i.top = 2;
    i.ids = std::move(ids);
    i.logprobs = std::move(logprobs);
  };
  CHECK(code([&](Item& i) { teach(i, {1, 1}, {-1, -1}); }) == StatusCode::kInvalidRequest);
  CHECK(code([&](Item& i) { teach(i, {1, 2}, {0, -1}); }) == StatusCode::kInvalidRequest);
  CHECK(code([&](Item& i) { teach(i, {1, 1 << 20}, {-1, -1}); }) == StatusCode::kInvalidRequest);
  CHECK(code([&](Item& i) { i.tokens.assign(65, 1), i.loss.assign(65, 1), i.loss[0] = 0; }) == StatusCode::kTooLarge);
  CHECK_EQ(trainer.Steps(), uint64_t{0});  // none of the good ones beside them was taken
  CHECK(code([&](Item& i) { teach(i, {1, 2}, {-1, -1}); }) == StatusCode::kOk);
}

TEST(every_epoch_has_every_item_once_in_an_order_of_its_own) {
  std::vector<Item> items(11);
  items[4].anchor = items[7].anchor = true;
  Recipe recipe;
  recipe.epochs = 2;
  recipe.batch_items = 4;
  train::Batches batches(recipe, items);
  CHECK_EQ(batches.steps(), uint64_t{6});
  std::vector<std::vector<size_t>> passes(2);
  for (uint64_t s = 0; s < 6; ++s) {
    int anchors = 0;
    for (const size_t i : batches.ItemsOf(s)) {
      if (items[i].anchor) {
        ++anchors;
      } else {
        passes[passes[0].size() < 9 ? 0 : 1].push_back(i);
      }
    }
    CHECK_EQ(anchors, 1);
  }
  CHECK(passes[0] != passes[1]);
  for (std::vector<size_t>& pass : passes) {
    std::sort(pass.begin(), pass.end());
    CHECK(pass == (std::vector<size_t>{0, 1, 2, 3, 5, 6, 8, 9, 10}));
  }
}

ZELL_TEST_MAIN
