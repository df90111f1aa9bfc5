// Draft heads in training: gradients of whole weights beside differences of the loss, and a head that learns.
#include "train/draft_trainer.h"

#include <cmath>
#include <filesystem>

#include "check.h"
#include "tiny_training.h"

using namespace zell;
using train::DraftText;
using train::DraftTrainer;
using train::Numerics;

namespace {

constexpr uint32_t kWidth = 64;

train::DraftRecipe Tiny(Numerics numerics, int threads = 2) {
  train::DraftRecipe recipe;
  recipe.shape = {1, {1, 0}, {}};
  for (int32_t token = 0; token < 256; token += 2) recipe.shape.tokens.push_back(token);
  recipe.row_tokens = 64;
  recipe.threads = threads;
  recipe.numerics = numerics;
  return recipe;
}

/// What comes next follows from the state: the token whose number the state's largest element names.
DraftText MakeText(uint64_t seed, size_t tokens) {
  train::Random random(seed);
  DraftText text;
  text.top = 3;
  std::vector<float> state(kWidth);
  for (size_t t = 0; t < tokens; ++t) {
    const auto next = static_cast<int32_t>(random.Below(8));
    for (float& x : state) x = 0.3f * random.Symmetric();
    state[static_cast<size_t>(next)] += 3.0f;
    std::vector<uint16_t> halves(kWidth);
    quant::Quantize(quant::TensorType::kF16, state.data(), halves.data(), kWidth);
    text.states.insert(text.states.end(), halves.begin(), halves.end());
    text.ids.insert(text.ids.end(), {2 * next, 2 * next + 1, 2 * next + 20});  // the second is none of the head's
    text.logprobs.insert(text.logprobs.end(), {-0.2f, -2.5f, -3.5f});
  }
  return text;
}

std::vector<const DraftText*> Pointers(const std::vector<DraftText>& texts) {
  std::vector<const DraftText*> all;
  for (const DraftText& text : texts) all.push_back(&text);
  return all;
}

std::unique_ptr<DraftTrainer> Open(const std::string& path, train::DraftRecipe recipe) {
  auto file = gguf::File::Open(path);
  if (!file.ok()) return nullptr;
  auto trainer = DraftTrainer::Open(*file, std::move(recipe));
  if (!trainer.ok()) test::Fail(__FILE__, __LINE__, trainer.status().message);
  return trainer.ok() ? std::move(*trainer) : nullptr;
}

}  // namespace

TEST(whole_weights_have_the_gradient_of_their_loss) {
  for (const auto& [model, numerics] : {std::pair("llama", Numerics::kF32), std::pair("qwen3", Numerics::kBf16x3)}) {
    const std::string path = test::WriteTinyModel(model, quant::TensorType::kF32, std::string("whole_") + model);
    auto file = gguf::File::Open(path);
    REQUIRE(file.ok());
    auto plan = model::BuildPlan(**file);
    REQUIRE(plan.ok());
    backend::MergeMatmuls(plan->body);
    const std::vector<uint32_t> ranks(plan->weights.size(), 0);
    auto tape = train::RecordTape(*plan, ranks, true);
    REQUIRE(tape.ok());
    // Every matrix and gain of the layers and the output's norm, in memory that may change.
    std::vector<std::vector<float>> values(plan->weights.size()), gradients(plan->weights.size());
    std::vector<float*> whole(plan->weights.size(), nullptr);
    for (size_t i = 0; i < plan->weights.size(); ++i) {
      backend::Weight& w = plan->weights[i];
      const bool output = w.name == "token_embd.weight" || w.name == "output.weight" || w.name.ends_with(".bias");
      if (output) continue;
      const auto* numbers = reinterpret_cast<const float*>(w.data);
      values[i].assign(numbers, numbers + w.rows * w.cols);
      gradients[i].assign(values[i].size(), 0.0f);
      w.data = reinterpret_cast<const uint8_t*>(values[i].data());
      whole[i] = gradients[i].data();
    }
    train::LowRankSet none;
    train::Workers workers(2);
    auto network = train::Network::Make(*plan, *tape, none, workers, 64, 1, numerics);
    REQUIRE(network.ok());
    (*network)->LearnWhole(whole);
    train::Row row;
    for (int i = 0; i < 24; ++i) row.tokens.push_back(i * 37 % 256);
    row.segments = {{0, 10}, {10, 14}};
    for (const size_t from : {3u, 8u, 12u, 22u}) row.losses.push_back({.from = from, .target = 7, .weight = 0.5f});
    train::RowLoss loss;
    CHECK((*network)->Learn(row, loss).ok());
    size_t checked = 0;
    for (size_t i = 0; i < values.size(); ++i) {
      if (values[i].empty()) continue;
      double length = 0;
      for (const float g : gradients[i]) length += double(g) * g;
      length = std::sqrt(length);
      if (length == 0) test::Fail(__FILE__, __LINE__, plan->weights[i].name + " has no gradient");
      const double h = (numerics == Numerics::kF32 ? 5e-3 : 2e-2) / std::max(length, 0.05);
      double losses[2];
      const std::vector<float> kept = values[i];
      for (int side = 0; side < 2; ++side) {
        for (size_t n = 0; n < kept.size(); ++n) {
          values[i][n] = kept[n] + static_cast<float>((side == 0 ? h : -h) * gradients[i][n] / length);
        }
        train::RowLoss moved;
        CHECK((*network)->Measure(row, moved).ok());
        losses[side] = 0.5 * moved.items;
      }
      std::copy(kept.begin(), kept.end(), values[i].begin());
      const double numeric = (losses[0] - losses[1]) / (2 * h);
      if (std::fabs(numeric - length) > 0.02 * length + 2e-3) {
        test::Fail(__FILE__, __LINE__,
                   std::string(model) + " " + plan->weights[i].name + ": " + std::to_string(numeric) + " is not " +
                       std::to_string(length));
      }
      ++checked;
    }
    CHECK(checked >= 2 * 9 + 1);
  }
}

TEST(a_head_learns_what_the_model_says_and_no_thread_changes_a_bit) {
  const std::string path = test::WriteTinyModel("llama", quant::TensorType::kQ8_0, "draft_learns");
  std::vector<DraftText> texts, held_out;
  for (uint64_t i = 0; i < 6; ++i) texts.push_back(MakeText(i, 20 + i));
  for (uint64_t i = 100; i < 103; ++i) held_out.push_back(MakeText(i, 30));
  std::vector<double> once;
  for (const int threads : {1, 3}) {
    auto trainer = Open(path, Tiny(Numerics::kF32, threads));
    REQUIRE(trainer != nullptr);
    const auto before = trainer->Agreements(Pointers(held_out));
    REQUIRE(before.ok());
    CHECK(*before < 30);
    std::vector<double> losses;
    for (int step = 0; step < 40; ++step) {
      const auto loss = trainer->Step(Pointers(texts), 5e-3);
      REQUIRE(loss.ok());
      losses.push_back(*loss);
    }
    CHECK(losses.back() < losses.front() / 3);
    const auto after = trainer->Agreements(Pointers(held_out));
    REQUIRE(after.ok());
    CHECK(*after > 60);  // of 90
    if (once.empty()) once = losses;
    CHECK(once == losses);
  }
}

TEST(texts_that_do_not_fit_are_refused) {
  const std::string path = test::WriteTinyModel("llama", quant::TensorType::kQ8_0, "draft_refuses");
  auto trainer = Open(path, Tiny(Numerics::kF32));
  REQUIRE(trainer != nullptr);
  const auto refuses = [&](const DraftText& text) {
    const std::vector<const DraftText*> one{&text};
    return trainer->Step(one, 1e-3).status().code == base::StatusCode::kInvalidRequest;
  };
  DraftText text = MakeText(1, 10);
  text.ids[4] = 100000;
  CHECK(refuses(text));
  text = MakeText(1, 10);
  text.states.pop_back();
  CHECK(refuses(text));
  CHECK(refuses(MakeText(1, 65)));
  CHECK(refuses(DraftText{}));
  trainer->Stop();
  const DraftText sound = MakeText(1, 10);
  const std::vector<const DraftText*> one{&sound};
  CHECK(trainer->Step(one, 1e-3).status().code == base::StatusCode::kCancelled);
}

TEST(shapes_that_do_not_fit_are_refused) {
  const std::string path = test::WriteTinyModel("llama", quant::TensorType::kQ8_0, "draft_shape");
  auto file = gguf::File::Open(path);
  REQUIRE(file.ok());
  const auto refused = [&](model::DraftShape shape) {
    train::DraftRecipe recipe = Tiny(Numerics::kF32);
    recipe.shape = std::move(shape);
    return DraftTrainer::Open(*file, recipe).status().code == base::StatusCode::kBadModelFile;
  };
  CHECK(refused({0, {1}, {1, 2}}));
  CHECK(refused({2, {1}, {1, 2}}));
  CHECK(refused({1, {}, {1, 2}}));
  CHECK(refused({1, {2}, {1, 2}}));
  CHECK(refused({1, {1}, {}}));
  CHECK(refused({1, {1}, {2, 2}}));
  CHECK(refused({1, {1}, {1, 100000}}));
}

ZELL_TEST_MAIN
