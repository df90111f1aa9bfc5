// Whole tiny models: gradients beside differences of the loss, and what must not change a bit.
#include "train/network.h"

#include <cmath>
#include <cstring>

#include "check.h"
#include "tiny_training.h"

using namespace zell;
using test::MakeNetwork;
using test::MakeTiny;
using test::TinyTraining;
using train::Numerics;
using train::Row;
using train::RowLoss;

namespace {

const std::vector<int32_t> kTeacherIds = {5, 17, 300, 6, 1, 90};
const std::vector<float> kTeacherLogprobs = {-0.5f, -1.5f, -3.0f, -1.0f, -1.2f, -2.0f};

/// Two texts, one of which learns from a teacher.
Row MakeRow() {
  Row row;
  for (int i = 0; i < 24; ++i) row.tokens.push_back(i * 37 % 256);
  row.segments = {{0, 10}, {10, 14}};
  for (const size_t from : {3u, 4u, 8u, 12u, 15u, 22u}) {
    row.losses.push_back({.from = from, .target = static_cast<uint32_t>(row.tokens[from + 1]), .weight = 0.5f});
  }
  for (size_t i = 0; i < 2; ++i) {
    train::LossToken token{.from = 18 + i, .weight = 2.0f, .anchor = true};
    token.ids = std::span(kTeacherIds).subspan(i * 3, 3);
    token.logprobs = std::span(kTeacherLogprobs).subspan(i * 3, 3);
    row.losses.push_back(token);
  }
  return row;
}

double Weighted(const RowLoss& loss) { return 0.5 * loss.items + 2.0 * loss.anchors; }

std::vector<float> Gradients(TinyTraining& t, const Row& row) {
  t.learned.ZeroGradients();
  RowLoss loss;
  CHECK(t.network->Learn(row, loss).ok());
  return {t.learned.gradients(), t.learned.gradients() + t.learned.size()};
}

bool SameBits(const std::vector<float>& a, const std::vector<float>& b) {
  return !a.empty() && a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

}  // namespace

TEST(whole_models_have_the_gradient_of_their_loss) {
  const std::pair<const char*, Numerics> cases[] = {
      {"llama", Numerics::kF32}, {"qwen2", Numerics::kF32}, {"qwen3", Numerics::kF32}, {"qwen2", Numerics::kBf16x3}};
  for (const auto& [model, numerics] : cases) {
    TinyTraining t = MakeTiny(test::WriteTinyModel(model, quant::TensorType::kQ8_0, model));
    MakeNetwork(t, 64, 2, numerics);
    if (!t.ok()) test::Fail(__FILE__, __LINE__, std::string(model) + ": " + t.status.message);
    if (!t.ok()) continue;
    const Row row = MakeRow();
    const std::vector<float> gradient = Gradients(t, row);
    // A change of one part at a time, along its own gradient and at random, by a step that changes the loss by some
    // thousandths: f32 leaves 1e-6 of it, the curvature's part cancels in the central difference.
    for (const train::LearnedMatrix& m : t.learned.matrices()) {
      for (const auto& [first, n] : {std::pair(m.a, m.a_size()), std::pair(m.b, m.b_size())}) {
        double length = 0;
        for (size_t i = first; i < first + n; ++i) length += double(gradient[i]) * gradient[i];
        length = std::sqrt(length);
        CHECK(length > 0);
        // Split products leave ten times as much.
        const double h = (numerics == Numerics::kF32 ? 5e-3 : 2e-2) / std::max(length, 0.05);
        double losses[2];
        for (int side = 0; side < 2; ++side) {
          const std::vector<float> kept(t.learned.values() + first, t.learned.values() + first + n);
          for (size_t i = 0; i < n; ++i) {
            t.learned.values()[first + i] += static_cast<float>((side == 0 ? h : -h) * gradient[first + i] / length);
          }
          RowLoss loss;
          CHECK(t.network->Measure(row, loss).ok());
          losses[side] = Weighted(loss);
          std::memcpy(t.learned.values() + first, kept.data(), n * sizeof(float));
        }
        const double numeric = (losses[0] - losses[1]) / (2 * h);
        if (std::fabs(numeric - length) > 0.02 * length + 2e-3) {
          test::Fail(__FILE__, __LINE__,
                     std::string(model) + " " + m.tensor + ": " + std::to_string(numeric) + " is not " +
                         std::to_string(length));
        }
      }
    }
  }
}

TEST(bits_depend_neither_on_threads_nor_on_what_is_kept) {
  const std::string path = test::WriteTinyModel("llama", quant::TensorType::kQ4_1, "bits");
  std::vector<float> f32;
  for (const Numerics numerics : {Numerics::kF32, Numerics::kBf16x3}) {
    std::vector<float> first;
    for (const int threads : {1, 2, 3}) {
      for (const size_t kept : {0u, 1u, 2u}) {
        TinyTraining t = MakeTiny(path, threads);
        MakeNetwork(t, 64, kept, numerics);
        REQUIRE(t.ok());
        const std::vector<float> gradient = Gradients(t, MakeRow());
        if (first.empty()) first = gradient;
        CHECK(SameBits(first, gradient));
      }
    }
    if (f32.empty()) f32 = first;
    // One in 2^16 of a product, thousands of which make a gradient; products of bf16 alone would be off by percents.
    double difference = 0, length = 0;
    for (size_t i = 0; i < f32.size(); ++i) {
      difference += std::pow(double(first[i]) - f32[i], 2);
      length += double(f32[i]) * f32[i];
    }
    CHECK(std::sqrt(difference / length) < 1e-4);
  }
}

TEST(texts_in_one_row_do_not_see_each_other) {
  TinyTraining t = MakeTiny(test::WriteTinyModel("qwen3", quant::TensorType::kF16, "packed"));
  MakeNetwork(t);
  REQUIRE(t.ok());
  const Row both = MakeRow();
  RowLoss together, apart;
  CHECK(t.network->Measure(both, together).ok());
  for (const train::Segment& segment : both.segments) {
    Row one;
    one.tokens.assign(both.tokens.begin() + static_cast<std::ptrdiff_t>(segment.first),
                      both.tokens.begin() + static_cast<std::ptrdiff_t>(segment.first + segment.length));
    one.segments = {{0, segment.length}};
    for (train::LossToken token : both.losses) {
      if (token.from < segment.first || token.from >= segment.first + segment.length) continue;
      token.from -= segment.first;
      one.losses.push_back(token);
    }
    CHECK(t.network->Measure(one, apart).ok());
  }
  CHECK(std::fabs(together.items - apart.items) < 1e-9 && together.items > 0);
  CHECK(std::fabs(together.anchors - apart.anchors) < 1e-9);
}

TEST(the_base_is_the_model_without_its_adapter_and_its_own_best_teacher) {
  TinyTraining t = MakeTiny(test::WriteTinyModel("llama", quant::TensorType::kQ8_0, "base"), 2, false);
  MakeNetwork(t);
  REQUIRE(t.ok());
  Row row = MakeRow();
  row.losses.resize(6);
  std::vector<int32_t> ids;
  std::vector<float> logprobs;
  CHECK(t.network->BaseTop(row, 32, ids, logprobs).ok());
  REQUIRE(ids.size() == 6 * 32);
  for (size_t i = 0; i + 1 < 32; ++i) CHECK(logprobs[i] >= logprobs[i + 1]);
  for (size_t i = 0; i < 6; ++i) {
    row.losses[i].ids = std::span(ids).subspan(i * 32, 32);
    row.losses[i].logprobs = std::span(logprobs).subspan(i * 32, 32);
  }
  // B is zero: nothing has changed yet.
  RowLoss loss;
  CHECK(t.network->Measure(row, loss).ok());
  CHECK(std::fabs(loss.items) < 1e-4);
}

TEST(only_the_layers_that_learn_are_gone_back_through) {
  TinyTraining t =
      MakeTiny(test::WriteTinyModel("llama", quant::TensorType::kQ8_0, "middle"), 2, true, train::Targets::kMiddleMlp);
  MakeNetwork(t);
  REQUIRE(t.ok());
  CHECK_EQ(t.learned.matrices().size(), 6u);  // of 2 layers no quarter is left out
  for (const train::LearnedMatrix& m : t.learned.matrices()) CHECK(m.tensor.find("ffn_") != std::string::npos);
  const std::vector<float> gradient = Gradients(t, MakeRow());
  bool any = false;
  for (const float g : gradient) any = any || g != 0;
  CHECK(any);
}

TEST(a_model_without_backward_pass_is_refused_by_name) {
  TinyTraining mixture = MakeTiny(test::WriteTinyModel("mixtral", quant::TensorType::kF32, "moe"));
  CHECK(mixture.status.code == base::StatusCode::kUnsupported);
  CHECK(mixture.status.message.find("mixture of experts") != std::string::npos);
  TinyTraining norms = MakeTiny(test::WriteTinyModel("starcoder2", quant::TensorType::kF32, "norms"));
  CHECK(norms.status.code == base::StatusCode::kUnsupported);
  CHECK(norms.status.message.find("layer norm") != std::string::npos);
}

ZELL_TEST_MAIN
