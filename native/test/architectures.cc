// Every random model (models/registry.cc) in our engine and in the oracle, teacher-forced; one line of JSON for each.
// zell_architectures --backend LIBGGML_CPU [--folder FOLDER] [NAME…]
//
// F32 weights: the largest difference of a logit as a part of the logits' range, over all positions. Quantised weights:
// the mean KL divergence from the oracle's F32 model, ours beside the oracle's own. Exit code 1 when a row fails.
#include <chrono>
#include <cstring>
#include <filesystem>
#include <functional>

#include "both_engines.h"
#include "models/models.h"
#include "random_model.h"

namespace {

using zell::quant::TensorType;
using zell::test::Comparison;
using zell::test::Die;
using zell::test::LargestDifference;
using zell::test::Logits;
using zell::test::Oracle;
using zell::test::Ours;
using zell::test::RandomModel;

constexpr size_t kTokens = 300;
constexpr size_t kWindow = 512;
constexpr int kThreads = 2;
/// Ours may be this much farther from the F32 model than the oracle is.
constexpr double kQuantSlack = 1.1;

/// One row. Returns whether it holds.
bool Compare(const RandomModel& row, const std::filesystem::path& folder) {
  const auto begin = std::chrono::steady_clock::now();
  const std::vector<int32_t> tokens = zell::test::RandomTokens(kTokens);
  const size_t window = row.context != 0 ? row.context : kWindow;
  const auto write = [&](TensorType type) {
    const std::string path = (folder / (std::string(row.name) + ".gguf")).string();
    zell::test::RandomModelSpec spec;
    spec.model = row.name;
    spec.type = type;
    const auto status = WriteRandomModel(path, spec);
    if (!status.ok()) Die(std::string(row.name) + ": " + status.message);
    return path;
  };
  std::string path = write(TensorType::kF32);
  const auto theirs = [&](const std::string& file) {
    Oracle oracle(file, kThreads, window, true, row.encoder);
    return row.encoder ? oracle.Embed(tokens) : oracle.Evaluate(tokens);
  };
  const auto our = [&](const std::string& file) {
    zell::test::Ours engine(file, kThreads, window);
    return row.encoder ? engine.Embed(tokens) : engine.Evaluate(tokens);
  };
  const Logits reference = theirs(path);
  const double difference = LargestDifference(reference, our(path));
  bool ok = difference <= row.tolerance;
  std::printf("{\"model\":\"%s\",\"f32\":%.3g,\"quant\":{", row.name, std::isfinite(difference) ? difference : 1e9);
  for (const TensorType type : {TensorType::kQ8_0, TensorType::kQ4_K}) {
    if (row.compared == zell::test::Compared::kF32Only) break;
    path = write(type);
    Comparison ours, oracle;
    const size_t rows = reference.values.size() / reference.vocabulary;
    oracle.Add(reference, theirs(path), rows);
    ours.Add(reference, our(path), rows);
    const double n = static_cast<double>(rows);
    ok = ok && ours.kl <= kQuantSlack * oracle.kl;
    std::printf("%s\"%s\":{\"ours\":%.4g,\"oracle\":%.4g}", type == TensorType::kQ8_0 ? "" : ",",
                zell::quant::InfoOf(type).name, std::isfinite(ours.kl) ? ours.kl / n : 1e9, oracle.kl / n);
  }
  std::filesystem::remove(path);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  std::printf("},\"seconds\":%.2f,\"ok\":%s}\n", seconds.count(), ok ? "true" : "false");
  std::fflush(stdout);
  return ok;
}

}  // namespace

int main(int argc, char** argv) {
  std::string backend, folder;
  std::vector<const RandomModel*> rows;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--backend") == 0 && i + 1 < argc) {
      backend = argv[++i];
    } else if (std::strcmp(argv[i], "--folder") == 0 && i + 1 < argc) {
      folder = argv[++i];
    } else if (const RandomModel* row = zell::test::FindRandomModel(argv[i]); row != nullptr) {
      rows.push_back(row);
    } else {
      Die(std::string("no model ") + argv[i]);
    }
  }
  if (rows.empty()) {
    for (const RandomModel& row : zell::test::RandomModels()) rows.push_back(&row);
  }
  llama_log_set(
      [](ggml_log_level level, const char* text, void*) {
        if (level == GGML_LOG_LEVEL_ERROR) std::fputs(text, stderr);
      },
      nullptr);
  if (backend.empty() || ggml_backend_load(backend.c_str()) == nullptr) Die("cannot load the backend " + backend);
  bool ok = true;
  for (const RandomModel* row : rows) {
    ok = Compare(*row, folder.empty() ? std::filesystem::temp_directory_path() : std::filesystem::path(folder)) && ok;
  }
  return ok ? 0 : 1;
}
