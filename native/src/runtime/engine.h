// A loaded model: its sequences, and the thread that runs its steps.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "kv/block_file.h"
#include "lora/adapter.h"
#include "runtime/step.h"
#include "runtime/summary.h"
#include "sampling/sampler.h"
#include "stream/matrix_stream.h"
#include "stream/store.h"
#include "tokenizer/tokenizer.h"

namespace zell::runtime {

struct KvUsage {
  size_t used = 0;
  size_t total = 0;
  size_t block_tokens = 0;
  size_t block_bytes = 0;  ///< of all groups together
};

/// Every method may be called from any thread, also while a step runs; none waits for the step but Close.
class Engine {
 public:
  using Progress = std::function<void(uint64_t done, uint64_t total)>;
  using StepDone = std::function<void(base::Result<std::vector<StepOutput>>)>;

  /// Maps the file, plans its memory, and reads the weights once so that the first step does not wait for the disk.
  /// `progress` is called on the caller's thread, in bytes; `stop` ends loading early with kCancelled.
  /// @errors as gguf::File::Open; kUnsupportedModel; kOutOfMemory with the numbers; kCancelled.
  static base::Result<std::unique_ptr<Engine>> Load(const std::string& path, const LoadOptions& options,
                                                    const Progress& progress, const std::atomic<bool>& stop);
  ~Engine();

  const Summary& summary() const;  ///< context_length is the one in force
  const tokenizer::Tokenizer& tokenizer() const;
  std::shared_ptr<const tokenizer::Tokenizer> shared_tokenizer() const;
  int threads() const;
  const char* isa() const;
  double load_ms() const;

  uint32_t CreateSequence();
  /// The sampler accepts what it chooses by itself; `history` is what penalties see of the text before. `constraint`:
  /// see CheckConstraint; what is chosen from now on keeps to it. Empty: none.
  /// @errors kInvalidRequest; of the constraint as CheckConstraint.
  base::Status SetSampler(uint32_t sequence, sampling::SamplerParams params, std::span<const int32_t> history,
                          const std::string& constraint = {});
  /// Whether answers can be held to a constraint, given as JSON (`Constraint` of protocol/src/constraint.ts). What was
  /// compiled is kept for SetSampler.
  /// @errors as grammar::CompileConstraint.
  base::Status CheckConstraint(const std::string& constraint);
  /// A sequence of the running step is cancelled and goes when the step ends. An unknown one is no error.
  void FreeSequence(uint32_t sequence);
  base::Result<uint32_t> Length(uint32_t sequence) const;
  /// @errors kInvalidRequest: unknown, in the running step, or shorter than `length`.
  base::Status Truncate(uint32_t sequence, uint32_t length);
  base::Result<uint32_t> Fork(uint32_t sequence, uint32_t length);
  /// `sequence`, which holds nothing, holds the first `length` tokens of `source` from now on and keeps its sampler.
  /// @errors kInvalidRequest: unknown, in the running step, not empty, or `source` is shorter.
  base::Status Adopt(uint32_t sequence, uint32_t source, uint32_t length);
  KvUsage Usage() const;

  /// Writes the sequence's blocks from `first` on, one for each of `seeds`, on the caller's thread: the sequence may go
  /// on or be freed meanwhile. Header and seeds: kv/block_file.h.
  /// @errors kInvalidRequest: unknown, in the running step, or shorter; as base::AtomicFile.
  base::Status SaveBlocks(uint32_t sequence, uint32_t first, const std::string& path, std::span<const uint8_t> header,
                          std::span<const uint64_t> seeds);
  /// A sequence with room for `blocks`, which nobody may use but to free it before FinishRestore. Takes no time.
  /// `adapters`: that the blocks were computed with, and that its steps run with.
  /// @errors kOutOfMemory; kInvalidRequest beyond the context; kNotFound: no such adapter.
  base::Result<uint32_t> BeginRestore(uint32_t blocks, std::span<const lora::AdapterUse> adapters = {});
  /// Reads the ranges, one after the other, on the caller's thread; once for each BeginRestore.
  /// @returns tokens that the sequence holds then: those before the first block that is absent or damaged.
  uint32_t FinishRestore(uint32_t sequence, std::span<const kv::BlockRange> ranges, std::span<const uint64_t> seeds);

  /// Reads a LoRA adapter for this model on the caller's thread; its id is not used before in this engine.
  /// @errors as lora::Adapter::Load.
  base::Result<lora::AdapterInfo> LoadAdapter(const std::string& path);
  /// New sequences do not find it any more; those that have run with it keep it until they are freed.
  /// @errors kNotFound.
  base::Status UnloadAdapter(uint32_t id);
  std::vector<lora::AdapterInfo> Adapters() const;

  /// Copies the matrices from the mapped file to memory of this process in large pages, layer by layer on the caller's
  /// thread while steps run, which read them faster from then on and compute the same bits. Ends early, with what is
  /// copied, when the engine closes or `stop` is set.
  /// @param spare_bytes that must stay available of the machine's memory
  /// @errors kOutOfMemory: they would not; kUnsupported: no large pages here, or weights stay on the disk; kIo.
  /// Everything else stays mapped.
  base::Status MoveWeightsToMemory(uint64_t spare_bytes, const std::atomic<bool>& stop);
  /// Bytes of weights that are in memory of this process.
  uint64_t ResidentWeights() const;
  /// What was read of experts since the load; nullopt where none come from the disk.
  std::optional<stream::StoreStats> ExpertStats() const;
  /// What is in memory of experts now, and why it is less than planned (empty: it is not).
  struct CacheNow {
    stream::StoreSize size;
    std::string shrunk;
  };
  std::optional<CacheNow> ExpertCacheNow() const;
  /// Holds the cache to so many experts until memory is short or plentiful; does nothing where none come from the disk.
  void LimitExperts(uint64_t slots);
  /// Which experts tokens were sent to since the load, layer by layer; empty where none come from the disk.
  std::vector<stream::BankUse> ExpertUses() const;
  /// The same of a dense model's layers; slots are matrices that may stay in memory.
  std::optional<stream::MatrixStats> LayerStats() const;
  std::optional<CacheNow> KeptLayersNow() const;
  void LimitLayers(uint64_t matrices);

  /// Starts a step; `done` is called once on the engine's thread unless an error is returned.
  /// @errors kInvalidRequest (unknown or doubled sequence), kAlreadyRunning (one step at a time, or closed).
  base::Status Step(std::vector<StepItem> items, StepDone done);
  /// The sequence's item in the running or the next step ends with kCancelled; forgotten when that step ends.
  void Cancel(uint32_t sequence);
  /// Stops a running step and waits for the thread's end. The engine takes no more steps.
  void Close();

 private:
  struct Impl;
  explicit Engine(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace zell::runtime
