// Makes a model's executor take weights from the disk that the memory plan has no room for.
#include "runtime/engine_impl.h"
#include "stream/trunk.h"

namespace zell::runtime {
namespace {

// Threads that read: with two a disk is usually busy, more help where it answers several at once.
constexpr int kReaders = 4;

int ReadersOf(const ExpertOptions& options) {
  return options.readers > 0 ? static_cast<int>(options.readers) : kReaders;
}

}  // namespace

base::Status Engine::Impl::Stream(const gguf::File& file, Streamable streamable, const ExpertOptions& options,
                                  const Progress& progress, const std::atomic<bool>& stop) {
  if (summary.memory.streamed_bytes > 0) {
    plan = std::move(streamable.plan);
    ZELL_RETURN_IF_ERROR(StreamLayers(file, std::move(streamable.turns), options, progress, stop));
  } else {
    ZELL_RETURN_IF_ERROR(StreamExperts(file, std::move(streamable.banks), options, progress, stop));
  }
  base::Result<std::unique_ptr<backend::Executor>> compiled = backend->Compile(plan);
  if (!compiled.ok()) return compiled.status();
  executor = std::move(*compiled);
  return base::Status::Ok();
}

base::Status Engine::Impl::StreamExperts(const gguf::File& file, std::vector<stream::Bank> banks,
                                         const ExpertOptions& options, const Progress& progress,
                                         const std::atomic<bool>& stop) {
  base::Result<std::unique_ptr<stream::PieceReader>> reader = stream::FileReader::Open(file, options.past_cache);
  if (!reader.ok()) return reader.status();
  base::Result<stream::DirectBuffer> rest =
      stream::ReadTrunk(plan, file, **reader, stream::RoutedWeights(plan), progress, stop);
  if (!rest.ok()) return rest.status();
  trunk = std::move(*rest);
  base::Result<std::unique_ptr<stream::ExpertStore>> store = stream::ExpertStore::Create(
      std::move(banks), std::move(*reader), summary.memory.expert_cache_bytes, ReadersOf(options));
  if (!store.ok()) return store.status();
  if (!options.usual.empty()) ZELL_RETURN_IF_ERROR((*store)->Recall(options.usual));
  experts = std::move(*store);
  keeper = std::make_unique<CacheKeeper>([this] { return experts->size(); },
                                         [this](uint64_t slots) { experts->LimitSlots(slots); },
                                         summary.memory.margin_bytes);
  plan.experts = experts.get();
  return base::Status::Ok();
}

base::Status Engine::Impl::StreamLayers(const gguf::File& file, stream::Turns turns, const ExpertOptions& options,
                                        const Progress& progress, const std::atomic<bool>& stop) {
  const MemoryPlan& memory = summary.memory;
  std::vector<stream::Turn> all = std::move(turns.body);
  if (!memory.resident_logits) all.insert(all.end(), turns.head.begin(), turns.head.end());
  std::set<backend::WeightId> elsewhere;
  uint64_t kept_bytes = 0;
  for (const stream::Turn& turn : all) {
    if (static_cast<uint64_t>(&turn - all.data()) < memory.resident_matrices) kept_bytes += turn.bytes;
    for (const backend::MatmulPart& part : (turn.head ? plan.head : plan.body)[turn.op].parts) {
      elsewhere.insert(part.weight);
    }
  }
  // In memory a table that the output layer shares is there for both.
  if (turns.embedding && turns.embedding->in_head && memory.resident_logits) turns.embedding.reset();
  if (turns.embedding) elsewhere.insert(turns.embedding->weight);
  base::Result<std::unique_ptr<stream::PieceReader>> reader = stream::FileReader::Open(file, options.past_cache);
  if (!reader.ok()) return reader.status();
  const auto of_all = [&](uint64_t done, uint64_t total) { progress(done, total + kept_bytes); };
  base::Result<stream::DirectBuffer> rest =
      stream::ReadTrunk(plan, file, **reader, elsewhere, progress ? Progress(of_all) : progress, stop);
  if (!rest.ok()) return rest.status();
  trunk = std::move(*rest);
  base::Result<std::unique_ptr<stream::MatrixStream>> stream =
      stream::MatrixStream::Create(std::move(all), static_cast<uint32_t>(memory.resident_matrices), turns.embedding,
                                   std::move(*reader), memory.buffer_bytes, ReadersOf(options));
  if (!stream.ok()) return stream.status();
  matrices = std::move(*stream);
  const auto of_kept = [&](uint64_t done) {
    if (progress) progress(trunk.size() + done, trunk.size() + kept_bytes);
  };
  ZELL_RETURN_IF_ERROR(matrices->Fill(of_kept, stop));
  matrices->Attach(plan);
  keeper = std::make_unique<CacheKeeper>([this] { return matrices->size(); },
                                         [this](uint64_t kept) { matrices->LimitKept(kept); }, memory.margin_bytes);
  return base::Status::Ok();
}

}  // namespace zell::runtime
