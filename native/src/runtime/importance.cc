#include "runtime/importance.h"

#include <algorithm>
#include <filesystem>
#include <memory>

#include "backend/backend.h"
#include "backend/plan_rewrite.h"
#include "base/memory_info.h"
#include "base/read_file.h"
#include "convert/importance_writer.h"
#include "gguf/file.h"
#include "kv/sequence.h"
#include "model/arch/arch.h"
#include "model/vocabulary.h"
#include "runtime/memory_plan.h"
#include "tokenizer/tokenizer.h"

namespace zell::runtime {
namespace {

using base::Result;
using base::Status;
using base::StatusCode;

constexpr uint64_t kMostText = uint64_t{1} << 30;
constexpr size_t kFewestTokens = 16;

Result<std::string> ReadText(const std::string& path) {
  const Result<base::ReadFile> file = base::ReadFile::Open(path);
  if (!file.ok()) return file.status();
  if (file->size() > kMostText) return Status{StatusCode::kTooLarge, path + " has more than 1 GiB of text."};
  std::string text(static_cast<size_t>(file->size()), '\0');
  ZELL_RETURN_IF_ERROR(file->ReadAt(0, {reinterpret_cast<uint8_t*>(text.data()), text.size()}));
  return text;
}

Result<std::unique_ptr<tokenizer::Tokenizer>> TokenizerOf(const gguf::File& file) {
  Result<tokenizer::VocabularySpec> spec = model::ReadVocabulary(file);
  if (!spec.ok()) return spec.status();
  return tokenizer::Tokenizer::Create(std::move(*spec));
}

Result<std::vector<int32_t>> ReadTokens(const tokenizer::Tokenizer& tokenizer, const std::vector<std::string>& texts) {
  std::vector<int32_t> tokens;
  for (const std::string& path : texts) {
    const Result<std::string> text = ReadText(path);
    if (!text.ok()) return text.status();
    const std::vector<int32_t> more = tokenizer.Encode(*text, false);
    tokens.insert(tokens.end(), more.begin(), more.end());
  }
  if (tokens.size() < kFewestTokens) {
    return Status{StatusCode::kInvalidRequest, "The text has only " + std::to_string(tokens.size()) +
                                                   " tokens; thousands make a useful importance matrix."};
  }
  return tokens;
}

struct NoOutputs final : backend::OutputSink {
  void OnOutput(size_t, std::span<const float>, std::span<const float>) override {}
};

/// Runs a text through a plan, chunk by chunk.
class Reading {
 public:
  Reading(const backend::Plan& plan, backend::Executor& executor, size_t chunk)
      : plan_(plan), executor_(executor), cache_(plan.kv_groups, kv::BlocksFor(chunk)) {}

  Status Run(std::span<const int32_t> tokens, const std::function<void(size_t)>& progress,
             const std::atomic<bool>& stop) {
    kv::Sequence sequence(cache_);
    const size_t most = backend::MostBatchTokens(plan_);
    for (size_t at = 0; at < tokens.size();) {
      if (stop.load(std::memory_order_relaxed)) return {StatusCode::kCancelled, "the measurement was cancelled"};
      backend::BatchItem item;
      item.tokens = tokens.subspan(at, std::min(most, tokens.size() - at));
      item.start = static_cast<uint32_t>(at);
      ZELL_RETURN_IF_ERROR(sequence.Prepare(item.tokens.size()));
      item.blocks = sequence.Addresses();
      const size_t n = item.tokens.size();
      backend::Batch batch;
      batch.items.push_back(std::move(item));
      NoOutputs sink;
      ZELL_RETURN_IF_ERROR(executor_.Run(batch, sink, stop));
      sequence.Commit(n);
      at += n;
      progress(n);
    }
    return Status::Ok();
  }

 private:
  const backend::Plan& plan_;
  backend::Executor& executor_;
  kv::Cache cache_;
};

/// Names of the tensors that hold an entry's matrices: one, or one for each matrix in files from before experts were
/// stacked.
std::vector<std::string> TensorsOf(const gguf::File& file, const std::string& name, size_t matrices) {
  constexpr std::string_view kFirst = ".0.weight";
  const gguf::TensorInfo* tensor = file.FindTensor(name);
  if (matrices < 2 || tensor == nullptr || tensor->n_dims > 2 || !name.ends_with(kFirst)) return {name};
  const std::string prefix = name.substr(0, name.size() - kFirst.size());
  std::vector<std::string> names;
  for (size_t e = 0; e < matrices; ++e) names.push_back(prefix + "." + std::to_string(e) + ".weight");
  return names;
}

/// Only matrices of layers: the output matrix is best quantised without, as llama.cpp's own tool has it.
std::vector<convert::InputStatistics> StatisticsOf(const gguf::File& file, const backend::InputSums& sums,
                                                   ImportanceReport* report) {
  std::vector<convert::InputStatistics> all;
  for (const auto& [name, entry] : sums.entries) {
    if (!name.starts_with("blk.")) continue;
    const size_t matrices = entry.counts.size();
    report->unreached += static_cast<uint64_t>(std::count(entry.counts.begin(), entry.counts.end(), uint64_t{0}));
    const std::vector<std::string> tensors = TensorsOf(file, name, matrices);
    const size_t each = matrices / tensors.size();
    for (size_t t = 0; t < tensors.size(); ++t) {
      const auto squares = entry.squares.begin() + static_cast<std::ptrdiff_t>(t * each * entry.columns);
      const auto counts = entry.counts.begin() + static_cast<std::ptrdiff_t>(t * each);
      convert::InputStatistics s{tensors[t], entry.columns, {}, {}};
      s.squares.assign(squares, squares + static_cast<std::ptrdiff_t>(each * entry.columns));
      s.counts.assign(counts, counts + (entry.routed ? static_cast<std::ptrdiff_t>(each) : 1));
      all.push_back(std::move(s));
    }
  }
  report->tensors = all.size();
  return all;
}

}  // namespace

Result<ImportanceReport> MeasureImportance(const std::string& model, const std::vector<std::string>& texts,
                                           const std::string& out, const ImportanceOptions& options,
                                           const std::function<void(uint64_t done, uint64_t total)>& progress,
                                           const std::atomic<bool>& stop) {
  const Result<std::shared_ptr<const gguf::File>> file = gguf::File::Open(model);
  if (!file.ok()) return file.status();
  Result<backend::Plan> plan = model::BuildPlan(**file, {.context = options.chunk_tokens});
  if (!plan.ok()) return plan.status();
  backend::Fuse(*plan);
  const Result<std::unique_ptr<tokenizer::Tokenizer>> tokenizer = TokenizerOf(**file);
  if (!tokenizer.ok()) return tokenizer.status();
  Result<std::vector<int32_t>> tokens = ReadTokens(**tokenizer, texts);
  if (!tokens.ok()) return tokens.status();
  if ((*tokenizer)->size() > plan->vocabulary_size) {
    return Status{StatusCode::kBadModelFile, "the vocabulary has more tokens than the embedding has rows"};
  }

  backend::InputSums sums;
  const std::unique_ptr<backend::Backend> backend =
      backend::MakeCpuBackend(std::clamp(options.threads, 1, 256), kernels::ActiveKernels(), &sums);
  const Result<std::unique_ptr<backend::Executor>> executor = backend->Compile(*plan);
  if (!executor.ok()) return executor.status();
  const uint32_t chunk = std::clamp(options.chunk_tokens, uint32_t{1}, std::max(plan->context_length, uint32_t{1}));
  ModelNeeds needs =
      NeedsOf(*plan, {}, {}, (*file)->total_bytes(), (*executor)->ScratchBytes(backend::kMaxBatchTokens));
  needs.context = chunk;
  needs.sequences = 1;
  ZELL_RETURN_IF_ERROR(CheckFit(PlanMemory(needs, base::GetMemoryInfo())));

  ImportanceReport report;
  report.tokens = tokens->size();
  const tokenizer::VocabularySpec& spec = (*tokenizer)->spec();
  Reading reading(*plan, **executor, chunk);
  uint64_t done = 0;
  for (size_t at = 0; at < tokens->size(); at += chunk, ++report.chunks) {
    const std::span<int32_t> part = std::span(*tokens).subspan(at, std::min<size_t>(chunk, tokens->size() - at));
    if (spec.add_bos && spec.bos >= 0) part[0] = spec.bos;
    ZELL_RETURN_IF_ERROR(reading.Run(
        part, [&](size_t n) { progress(done += n, report.tokens); }, stop));
  }
  convert::ImportanceSource source{{}, report.chunks, chunk};
  for (const std::string& path : texts) source.texts.push_back(std::filesystem::path(path).filename().string());
  ZELL_RETURN_IF_ERROR(convert::WriteImportance(out, source, StatisticsOf(**file, sums, &report)));
  return report;
}

}  // namespace zell::runtime
