// Loads a model: file, plan, memory, tokenizer, threads.
#include <algorithm>
#include <chrono>

#include "backend/plan_rewrite.h"
#include "model/arch/arch.h"
#include "model/vocabulary.h"
#include "runtime/engine_impl.h"

namespace zell::runtime {
namespace {

// Bytes between two reports of progress and two looks at the stop flag: a few ms of a fast disk.
constexpr size_t kProgressBytes = 16 * 1024 * 1024;
constexpr size_t kPageBytes = 4096;

// Touches every page of the weights, in file order.
base::Status ReadWeights(const gguf::File& file, const Engine::Progress& progress, const std::atomic<bool>& stop) {
  uint64_t total = 0, done = 0;
  for (const gguf::TensorInfo& tensor : file.tensors()) total += tensor.bytes;
  unsigned sum = 0;
  for (const gguf::TensorInfo& tensor : file.tensors()) {
    const std::span<const uint8_t> bytes = file.data(tensor);
    for (size_t first = 0; first < bytes.size(); first += kProgressBytes) {
      if (stop.load(std::memory_order_relaxed)) return {base::StatusCode::kCancelled, "loading was cancelled"};
      const size_t end = std::min(bytes.size(), first + kProgressBytes);
      for (size_t i = first; i < end; i += kPageBytes) sum += *static_cast<const volatile uint8_t*>(&bytes[i]);
      done += end - first;
      if (progress) progress(done, total);
    }
  }
  (void)sum;
  return base::Status::Ok();
}

}  // namespace

base::Result<std::unique_ptr<Engine>> Engine::Load(const std::string& path, const LoadOptions& options,
                                                   const Progress& progress, const std::atomic<bool>& stop) {
  const auto begin = std::chrono::steady_clock::now();
  base::Result<std::shared_ptr<const gguf::File>> file = gguf::File::Open(path);
  if (!file.ok()) return file.status();
  auto impl = std::make_unique<Impl>();

  base::Result<backend::Plan> plan = model::BuildPlan(**file, {.context = options.context_length});
  if (!plan.ok()) return plan.status();
  impl->plan = std::move(*plan);
  for (backend::KvGroup& group : impl->plan.kv_groups)
    group.type = options.kv_type, group.rotated = options.kv_rotation;
  backend::Fuse(impl->plan);
  impl->threads = ThreadsFor(options);
  impl->backend = backend::MakeCpuBackend(impl->threads);
  base::Result<std::unique_ptr<backend::Executor>> executor = impl->backend->Compile(impl->plan);
  if (!executor.ok()) return executor.status();
  impl->executor = std::move(*executor);

  const uint32_t context = ContextFor(options, impl->plan.context_length);
  // What cannot be streamed must fit like everything else.
  Streamable streamable = FindStreamable(impl->plan, **file);
  ModelNeeds needs = NeedsOf(impl->plan, streamable.banks, streamable.turns, (*file)->total_bytes(),
                             impl->executor->ScratchBytes(backend::kMaxBatchTokens));
  needs.context = context;
  needs.sequences = options.max_sequences;
  needs.most_cache_bytes = options.experts.cache_bytes;
  const MemoryPlan memory = PlanMemory(needs, base::GetMemoryInfo(), options.memory_limit);
  ZELL_RETURN_IF_ERROR(CheckFit(memory));

  base::Result<tokenizer::VocabularySpec> spec = model::ReadVocabulary(**file);
  if (!spec.ok()) return spec.status();
  base::Result<std::unique_ptr<tokenizer::Tokenizer>> tokenizer = tokenizer::Tokenizer::Create(std::move(*spec));
  if (!tokenizer.ok()) return tokenizer.status();
  impl->tokenizer = std::move(*tokenizer);
  // Models may pad their embedding beyond the vocabulary; the other way round a token would have no embedding.
  if (impl->tokenizer->size() > impl->plan.vocabulary_size) {
    return base::Status{base::StatusCode::kBadModelFile,
                        "the vocabulary has " + std::to_string(impl->tokenizer->size()) + " tokens, the embedding " +
                            std::to_string(impl->plan.vocabulary_size) + " rows"};
  }

  base::Result<Summary> summary = Summarize(*file, impl->tokenizer.get());
  if (!summary.ok()) return summary.status();
  impl->summary = std::move(*summary);
  impl->summary.context_length = context;
  impl->summary.vocabulary_size = impl->plan.vocabulary_size;
  impl->summary.memory = memory;
  impl->summary.experts = LayoutOf(streamable.banks);
  impl->cache = std::make_unique<kv::Cache>(impl->plan.kv_groups, static_cast<size_t>(memory.kv_blocks));
  if (memory.streams()) {
    ZELL_RETURN_IF_ERROR(impl->Stream(**file, std::move(streamable), options.experts, progress, stop));
  } else {
    ZELL_RETURN_IF_ERROR(ReadWeights(**file, progress, stop));
  }
  impl->load_ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
  return std::unique_ptr<Engine>(new Engine(std::move(impl)));
}

}  // namespace zell::runtime
