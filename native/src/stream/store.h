// The experts of a model larger than memory: a cache of slots, filled from the disk while others are computed.
#pragma once

#include <memory>
#include <vector>

#include "backend/expert_source.h"
#include "stream/bank.h"
#include "stream/reader.h"
#include "stream/store_size.h"

namespace zell::stream {

/// Sums since the store was made.
struct StoreStats {
  uint64_t hits = 0;           ///< experts that a step wanted and that were in memory
  uint64_t misses = 0;         ///< or not, or not whole, or had been read for this use alone
  uint64_t foretold = 0;       ///< misses whose read had begun before the step came to them
  uint64_t guesses = 0;        ///< experts that the next routing was guessed to use
  uint64_t right_guesses = 0;  ///< and did
  uint64_t bytes_read = 0;     ///< from the disk
  uint64_t waited_us = 0;      ///< that threads slept for experts, all together
};

/// What a bank's tokens were sent to since the store was made.
struct BankUse {
  uint64_t tokens = 0;
  std::vector<uint64_t> experts;  ///< [expert] → tokens
  std::vector<bool> in_memory;    ///< [expert] now, or parts of it; only in what uses() tells
};

/// Experts go to slots whole where all of a step's experts of a layer fit, so that each is read at most once. A step
/// with more of them (a long prompt) reads every stage's matrices once, and gives slots back after each stage.
/// What the next routing is expected to use is read while the disk has nothing else to do.
class ExpertStore final : public backend::ExpertSource {
 public:
  /// Slots as `cache_bytes` has room for, at most one for each expert; `workers` threads read.
  /// @errors kOutOfMemory: fewer than LeastSlots(banks), with the numbers, or no memory for them.
  static base::Result<std::unique_ptr<ExpertStore>> Create(std::vector<Bank> banks, std::unique_ptr<PieceReader> reader,
                                                           uint64_t cache_bytes, int workers);
  ~ExpertStore() override;

  void Begin(uint32_t routing, std::span<const backend::ExpertUse> uses, uint32_t tokens) override;
  bool WantsGuesses() const override;
  void Expect(uint32_t routing, std::span<const backend::ExpertUse> guess) override;
  bool Take(uint32_t stage, uint32_t index, const std::atomic<bool>& stop, backend::ReadyExpert* ready) override;
  void Done(uint32_t stage, uint32_t index, uint32_t tasks) override;
  void AwaitLast(uint32_t routing, uint32_t stage, const std::atomic<bool>& stop) override;
  bool failed() const override;
  base::Status End() override;

  /// Before the first run: which share of tokens used each expert in the past, bank by bank. Those that are used most
  /// are read into empty slots while nobody waits for others.
  /// @errors kInvalidRequest: not one number for each expert.
  base::Status Recall(std::span<const float> shares);

  /// Any thread. Holds the cache to `slots` (at least least_slots, at most most_slots): gives memory back at once, or
  /// while a step runs with its next routing.
  void LimitSlots(uint64_t slots);

  /// Any thread.
  StoreStats stats() const;
  std::vector<BankUse> uses() const;
  StoreSize size() const;

 private:
  struct Impl;
  explicit ExpertStore(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace zell::stream
