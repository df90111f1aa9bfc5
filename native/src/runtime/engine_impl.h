// The state of a loaded model. Private to the room.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_map>

#include "backend/backend.h"
#include "kv/cache.h"
#include "kv/sequence.h"
#include "model/draft_head.h"
#include "runtime/adapters.h"
#include "runtime/cache_keeper.h"
#include "runtime/constraints.h"
#include "runtime/engine.h"
#include "runtime/proposer.h"
#include "runtime/step_runner.h"
#include "runtime/streamable.h"
#include "stream/matrix_stream.h"
#include "stream/store.h"

namespace zell::runtime {

struct SequenceState {
  explicit SequenceState(kv::Sequence sequence) : kv(std::move(sequence)) {}

  kv::Sequence kv;
  AdapterSet adapters;  ///< that the keys and values were computed with; kept while the sequence lives
  std::shared_ptr<sampling::Sampler> sampler;
  std::atomic<bool> cancelled = false;
  bool in_step = false;
  bool loading = false;  ///< its blocks are being read from files
  bool doomed = false;   ///< freed while in a step or loading
};

struct Engine::Impl {
  // Fixed after loading.
  Summary summary;
  std::shared_ptr<const tokenizer::Tokenizer> tokenizer;
  std::unique_ptr<Constraints> constraints;
  backend::Plan plan;
  stream::DirectBuffer trunk;                      ///< weights beside streamed ones
  std::unique_ptr<stream::ExpertStore> experts;    ///< nullptr: no expert comes from the disk
  std::unique_ptr<stream::MatrixStream> matrices;  ///< nullptr: no layer comes from the disk
  std::unique_ptr<CacheKeeper> keeper;             ///< of one of them
  std::unique_ptr<backend::Backend> backend;
  std::unique_ptr<backend::Executor> executor;
  std::unique_ptr<model::DraftHead> draft_head;  ///< whose blocks the plan computes; nullptr: none
  std::unique_ptr<Proposer> proposer;            ///< with it
  int threads = 1;
  double load_ms = 0;

  // Those that were wanted last: most requests want the same.
  std::mutex breakers_mutex;
  std::vector<std::string> breaker_texts;
  sampling::SequenceBreakers breakers;
  /// Makes `dry.breakers` of its texts.
  void AddBreakers(sampling::DryParams& dry);

  // Guarded by `mutex`; the engine thread holds it before and after a step's computation, never during it.
  mutable std::mutex mutex;
  std::condition_variable wake;
  std::unique_ptr<kv::Cache> cache;
  std::unordered_map<uint32_t, std::unique_ptr<SequenceState>> sequences;
  uint32_t next_sequence = 1;
  AdapterTable adapters;
  struct Job {
    std::vector<StepItem> items;
    StepDone done;
  };
  std::optional<Job> job;
  bool busy = false;
  bool closing = false;
  size_t alive = 0;  ///< items of the running step that are not cancelled
  std::atomic<bool> stop = false;

  std::thread thread;

  SequenceState* Find(uint32_t sequence) const;
  /// Like Find, but refuses sequences in the running step.
  base::Result<SequenceState*> FindIdle(uint32_t sequence) const;
  void Loop();
  /// Compiles the plan and plans its memory, in which `more_bytes` beside the file count.
  base::Status UsePlan(const gguf::File& file, const LoadOptions& options, backend::Plan with, uint64_t more_bytes,
                       Streamable& streamable, MemoryPlan& memory);
  /// The same for `base` with the draft head of the options, which is then in use. @errors why it cannot be.
  base::Status UseDraftHead(const gguf::File& file, const LoadOptions& options, const backend::Plan& base,
                            Streamable& streamable, MemoryPlan& memory);
  /// Reads what is always needed to memory, and makes the executor take the rest from the disk.
  base::Status Stream(const gguf::File& file, Streamable streamable, const ExpertOptions& options,
                      const Progress& progress, const std::atomic<bool>& stop);

 private:
  base::Status StreamExperts(const gguf::File& file, std::vector<stream::Bank> banks, const ExpertOptions& options,
                             const Progress& progress, const std::atomic<bool>& stop);
  base::Status StreamLayers(const gguf::File& file, stream::Turns turns, const ExpertOptions& options,
                            const Progress& progress, const std::atomic<bool>& stop);
  std::vector<StepOutput> RunJob(Job& job);
  base::Status CheckItem(const StepItem& item, const SequenceState& state) const;
  /// The item's adapters become the sequence's. @errors as AdapterTable::Resolve; kInvalidRequest when the sequence
  /// holds keys and values of others.
  base::Status TakeAdapters(const StepItem& item, SequenceState& state) const;
  /// `promised`: blocks that items before this one will draw.
  void PrepareItem(StepItem& item, SequenceState& state, std::vector<kv::Sequence>& trees, size_t& promised,
                   RunningItem& running);
  void Finish(std::vector<RunningItem>& running);
};

}  // namespace zell::runtime
