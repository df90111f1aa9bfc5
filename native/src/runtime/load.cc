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

// Whether everything that a guess computes with stays in memory.
bool GuessesStay(const Streamable& streamable, const MemoryPlan& memory, uint32_t exit_layer) {
  if (!memory.streams()) return true;
  if (memory.streamed_bytes == 0) return false;  // experts
  for (size_t i = static_cast<size_t>(memory.resident_matrices); i < streamable.turns.body.size(); ++i) {
    const int layer = streamable.plan.body[streamable.turns.body[i].op].layer;
    if (layer >= 0 && static_cast<uint32_t>(layer) < exit_layer) return false;
  }
  return true;
}

}  // namespace

base::Status Engine::Impl::UsePlan(const gguf::File& file, const LoadOptions& options, backend::Plan with,
                                   uint64_t more_bytes, Streamable& streamable, MemoryPlan& memory) {
  plan = std::move(with);
  base::Result<std::unique_ptr<backend::Executor>> compiled = backend->Compile(plan);
  if (!compiled.ok()) return compiled.status();
  executor = std::move(*compiled);
  // What cannot be streamed must fit like everything else.
  streamable = FindStreamable(plan, file);
  ModelNeeds needs = NeedsOf(plan, streamable.banks, streamable.turns, file.total_bytes() + more_bytes,
                             executor->ScratchBytes(backend::kMaxBatchTokens));
  needs.context = ContextFor(options, plan.context_length);
  needs.sequences = options.max_sequences;
  needs.most_cache_bytes = options.experts.cache_bytes;
  memory = PlanMemory(needs, base::GetMemoryInfo(), options.memory_limit);
  return base::Status::Ok();
}

base::Status Engine::Impl::UseDraftHead(const gguf::File& file, const LoadOptions& options, const backend::Plan& base,
                                        Streamable& streamable, MemoryPlan& memory) {
  base::Result<std::unique_ptr<model::DraftHead>> head = model::DraftHead::Open(options.draft_head, file);
  if (!head.ok()) return head.status();
  backend::Plan with = base;
  ZELL_RETURN_IF_ERROR((*head)->AddTo(with));
  ZELL_RETURN_IF_ERROR(UsePlan(file, options, std::move(with), (*head)->bytes(), streamable, memory));
  if (!memory.fits() || !GuessesStay(streamable, memory, (*head)->shape().exit_layer)) {
    return {base::StatusCode::kOutOfMemory,
            "There is no memory for a draft head and all layers before it, beside everything else."};
  }
  draft_head = std::move(*head);
  return base::Status::Ok();
}

base::Result<std::unique_ptr<Engine>> Engine::Load(const std::string& path, const LoadOptions& options,
                                                   const Progress& progress, const std::atomic<bool>& stop) {
  const auto begin = std::chrono::steady_clock::now();
  base::Result<std::shared_ptr<const gguf::File>> file = gguf::File::Open(path);
  if (!file.ok()) return file.status();
  auto impl = std::make_unique<Impl>();

  base::Result<backend::Plan> plan = model::BuildPlan(**file, {.context = options.context_length});
  if (!plan.ok()) return plan.status();
  for (backend::KvGroup& group : plan->kv_groups) group.type = options.kv_type, group.rotated = options.kv_rotation;
  backend::Fuse(*plan);
  impl->threads = ThreadsFor(options);
  impl->backend = backend::MakeCpuBackend(impl->threads);
  Streamable streamable;
  MemoryPlan memory;
  base::Status drafts = base::Status::Ok();
  if (!options.draft_head.empty()) {
    drafts = impl->UseDraftHead(**file, options, *plan, streamable, memory);
  }
  if (impl->draft_head == nullptr) {
    ZELL_RETURN_IF_ERROR(impl->UsePlan(**file, options, std::move(*plan), 0, streamable, memory));
  }
  ZELL_RETURN_IF_ERROR(CheckFit(memory));

  base::Result<tokenizer::VocabularySpec> spec = model::ReadVocabulary(**file);
  if (!spec.ok()) return spec.status();
  base::Result<std::unique_ptr<tokenizer::Tokenizer>> tokenizer = tokenizer::Tokenizer::Create(std::move(*spec));
  if (!tokenizer.ok()) return tokenizer.status();
  impl->tokenizer = std::move(*tokenizer);
  impl->constraints = std::make_unique<Constraints>(impl->tokenizer);
  // Models may pad their embedding beyond the vocabulary; the other way round a token would have no embedding.
  if (impl->tokenizer->size() > impl->plan.vocabulary_size) {
    return base::Status{base::StatusCode::kBadModelFile,
                        "the vocabulary has " + std::to_string(impl->tokenizer->size()) + " tokens, the embedding " +
                            std::to_string(impl->plan.vocabulary_size) + " rows"};
  }

  base::Result<Summary> summary = Summarize(*file, impl->tokenizer.get());
  if (!summary.ok()) return summary.status();
  impl->summary = std::move(*summary);
  impl->summary.context_length = ContextFor(options, impl->plan.context_length);
  impl->summary.vocabulary_size = impl->plan.vocabulary_size;
  impl->summary.memory = memory;
  impl->summary.experts = LayoutOf(streamable.banks);
  impl->cache = std::make_unique<kv::Cache>(impl->plan.kv_groups, static_cast<size_t>(memory.kv_blocks));
  if (memory.streams()) {
    ZELL_RETURN_IF_ERROR(impl->Stream(**file, std::move(streamable), options.experts, progress, stop));
  } else {
    ZELL_RETURN_IF_ERROR(ReadWeights(**file, progress, stop));
  }
  impl->summary.draft_refused = drafts.message;
  if (impl->draft_head != nullptr) {
    base::Result<std::unique_ptr<Proposer>> proposer =
        Proposer::Make(*impl->backend, *impl->draft_head, impl->plan, impl->matrices.get());
    if (!proposer.ok()) return proposer.status();
    impl->proposer = std::move(*proposer);
    impl->summary.draft_exit = impl->draft_head->shape().exit_layer;
  }
  impl->load_ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
  return std::unique_ptr<Engine>(new Engine(std::move(impl)));
}

}  // namespace zell::runtime
