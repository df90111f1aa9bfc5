// Importance matrices measured on small models, against a plain computation of what the first matrices are fed with.
#include "runtime/importance.h"

#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>

#include "check.h"
#include "convert/importance.h"
#include "gguf/file.h"
#include "small_model.h"

namespace zell::runtime {
namespace {

using base::StatusCode;
using quant::TensorType;

const std::atomic<bool> kGoOn = false;
const auto kNoProgress = [](uint64_t, uint64_t) {};

std::string Path(const std::string& name) {
  return (std::filesystem::temp_directory_path() / ("zell_importance_" + name)).string();
}

std::string Write(const std::string& name, const std::string& bytes) {
  std::ofstream(Path(name), std::ios::binary) << bytes;
  return Path(name);
}

/// Letters, which are one token each in the small vocabulary.
std::string Letters(size_t n) {
  std::mt19937 random(3);
  std::string text;
  for (size_t i = 0; i < n; ++i) text += static_cast<char>('a' + random() % 26);
  return text;
}

std::vector<float> Floats(const gguf::File& file, const std::string& name) {
  const gguf::TensorInfo* tensor = file.FindTensor(name);
  if (tensor == nullptr) return {};
  std::vector<float> values(tensor->n_weights);
  quant::Dequantize(tensor->type, file.data(*tensor).data(), values.data(), values.size());
  return values;
}

std::string Bytes(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

/// Mean squares of what the first layer's queries are made of: RMS-normed rows of the embedding.
std::vector<double> ExpectedFirst(const gguf::File& file, const std::string& text) {
  const std::vector<float> embedding = Floats(file, "token_embd.weight"), norm = Floats(file, "blk.0.attn_norm.weight");
  const double eps = file.F64("llama.attention.layer_norm_rms_epsilon").value_or(1e-5);
  const size_t width = norm.size();
  std::vector<double> mean(width, 0.0);
  for (const char c : text) {
    const float* row = embedding.data() + static_cast<size_t>(static_cast<unsigned char>(c)) * width;
    double squares = 0;
    for (size_t i = 0; i < width; ++i) squares += double{row[i]} * row[i];
    const double scale = 1.0 / std::sqrt(squares / static_cast<double>(width) + eps);
    for (size_t i = 0; i < width; ++i) mean[i] += std::pow(row[i] * scale * norm[i], 2);
  }
  for (double& m : mean) m /= static_cast<double>(text.size());
  return mean;
}

TEST(sums_are_those_of_the_inputs_whatever_the_threads_and_chunks) {
  const std::string model = test::WriteSmallModel({}, "importance"), text = Letters(700);
  const std::string texts = Write("text.txt", text);
  const auto file = *gguf::File::Open(model);
  std::string first;
  for (const int threads : {1, 3}) {
    const std::string out = Path("sums.gguf");
    uint64_t last = 0;
    const auto report = MeasureImportance(
        model, {texts}, out, {.threads = threads, .chunk_tokens = 600},
        [&](uint64_t done, uint64_t total) {
          CHECK(done > last && done <= total);
          last = done;
        },
        kGoOn);
    REQUIRE(report.ok());
    CHECK_EQ(report->tokens, uint64_t{700});
    CHECK_EQ(report->chunks, uint32_t{2});
    CHECK_EQ(report->tensors, uint64_t{14});
    CHECK_EQ(last, uint64_t{700});
    if (first.empty()) first = Bytes(out);
    CHECK(Bytes(out) == first);
    const auto importance = convert::Importance::Read(out);
    REQUIRE(importance.ok());
    const std::vector<double> expected = ExpectedFirst(*file, text);
    for (const char* name : {"blk.0.attn_q.weight", "blk.0.attn_k.weight", "blk.0.attn_v.weight"}) {
      const std::span<const float> found = importance->Find(name, expected.size(), 0);
      REQUIRE(found.size() == expected.size());
      for (size_t i = 0; i < expected.size(); ++i) CHECK(std::fabs(found[i] - expected[i]) <= 1e-4 * expected[i]);
    }
    CHECK(!importance->Find("blk.1.ffn_down.weight", 256, 0).empty());
    CHECK(importance->Find("token_embd.weight", 256, 0).empty());
  }
}

/// Counts of a tensor's matrices.
std::vector<float> Counts(const std::string& path, const std::string& tensor) {
  const auto file = gguf::File::Open(path);
  return file.ok() ? Floats(**file, tensor + ".counts") : std::vector<float>{};
}

TEST(experts_are_measured_by_what_is_sent_to_them) {
  const std::string texts = Write("text.txt", Letters(300));
  test::SmallModel small{.experts = 6, .experts_used = 2};
  const std::string model = test::WriteSmallModel(small, "importance_experts"), out = Path("experts.gguf");
  const auto report = MeasureImportance(model, {texts}, out, {.threads = 2}, kNoProgress, kGoOn);
  REQUIRE(report.ok());
  const std::vector<float> counts = Counts(out, "blk.0.ffn_down_exps.weight");
  REQUIRE(counts.size() == 6);
  float sum = 0;
  uint64_t unreached = 0;
  for (const float n : counts) sum += n, unreached += n == 0;
  CHECK_EQ(sum, 600.0f);  // two experts a token
  CHECK(report->unreached >= unreached);
  CHECK(counts == Counts(out, "blk.0.ffn_gate_exps.weight"));
  CHECK_EQ(Counts(out, "blk.0.attn_q.weight").at(0), 300.0f);

  // What went to all experts together is what the layer's MLP was fed with: the same for gates and ups, and what a
  // router that sees the same rows is fed with, twice.
  const auto read = *gguf::File::Open(out);
  const std::vector<float> gate = Floats(*read, "blk.0.ffn_gate_exps.weight.in_sum2");
  const std::vector<float> router = Floats(*read, "blk.0.ffn_gate_inp.weight.in_sum2");
  REQUIRE(gate.size() == 6 * 256 && router.size() == 256);
  for (size_t i = 0; i < 256; ++i) {
    double all = 0;
    for (size_t e = 0; e < 6; ++e) all += gate[e * 256 + i];
    CHECK(std::fabs(all - 2.0 * router[i]) <= 1e-5 * all);
  }

  // Files with a tensor for each expert get an entry for each.
  small.separate_experts = true;
  const std::string separate = test::WriteSmallModel(small, "importance_separate"), other = Path("separate.gguf");
  REQUIRE(MeasureImportance(separate, {texts}, other, {.threads = 2}, kNoProgress, kGoOn).ok());
  for (size_t e = 0; e < 6; ++e) {
    const auto own = Counts(other, "blk.0.ffn_down." + std::to_string(e) + ".weight");
    REQUIRE(own.size() == 1);
    CHECK_EQ(own[0], counts[e]);
  }
}

TEST(what_cannot_be_measured_leaves_nothing_behind) {
  const std::string model = test::WriteSmallModel({}, "importance"), out = Path("refused.gguf");
  const auto code = [&](const std::string& m, const std::string& text, const std::atomic<bool>& stop) {
    return MeasureImportance(m, {text}, out, {}, kNoProgress, stop).status().code;
  };
  const std::string text = Write("text.txt", Letters(100));
  const std::atomic<bool> stopped = true;
  CHECK_EQ(code(model, Path("none.txt"), kGoOn), StatusCode::kNotFound);
  CHECK_EQ(code(Path("none.gguf"), text, kGoOn), StatusCode::kNotFound);
  CHECK_EQ(code(text, text, kGoOn), StatusCode::kBadModelFile);
  CHECK_EQ(code(model, Write("short.txt", "a b"), kGoOn), StatusCode::kInvalidRequest);
  CHECK_EQ(code(model, text, stopped), StatusCode::kCancelled);
  CHECK(!std::filesystem::exists(out));
}

}  // namespace
}  // namespace zell::runtime

ZELL_TEST_MAIN
