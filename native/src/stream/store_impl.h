// The state of an expert store, and how it reads. Private to the room.
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>

#include "stream/early_gate.h"
#include "stream/slots.h"
#include "stream/store.h"

namespace zell::stream {

/// Steps of so many tokens are timed to see whether guesses pay.
constexpr uint32_t kFewTokens = 4;

struct Piece {
  Entry* entry = nullptr;
  uint32_t stage = 0;
  uint32_t shard = 0;
  uint64_t offset = 0;
  uint64_t bytes = 0;
  uint64_t slot_offset = 0;
};

/// What the running step wants of one bank.
struct Request {
  bool active = false;
  uint32_t bank = 0;
  std::vector<Entry*> entries;  ///< those with most tokens first
  bool sweep = false;           ///< more entries than slots: stage by stage, slots are given back in between
  uint32_t stage = 0;           ///< of a sweep
  std::array<std::vector<Entry*>, kMostStages> ready;   ///< in the order in which they became it
  std::array<std::vector<uint32_t>, kMostStages> done;  ///< [index in ready] → finished tasks

  bool Wants(const Entry* entry) const;
};

struct ExpertStore::Impl {
  Impl(std::vector<Bank> all, std::unique_ptr<PieceReader> from);

  const std::vector<Bank> banks;
  const std::unique_ptr<PieceReader> reader;

  mutable std::mutex mutex;  ///< guards all below
  std::condition_variable arrived, work;
  ExpertPolicy policy;
  Slots slots;
  uint64_t wanted_slots = 0;  ///< what Slots::Limit shall come to
  Request request;
  std::deque<Piece> queue;                      ///< what the running step waits for
  std::deque<Piece> ahead;                      ///< what may be read when the disk has nothing else to do
  std::vector<Entry*> expected;                 ///< by the routing that comes next
  std::vector<Entry*> favourites;               ///< the dearest first
  size_t next_favourite = 0;                    ///< that is not read yet
  uint32_t wanted_reads = 0;                    ///< that run now, from `queue`
  uint32_t early_reads = 0;                     ///< from `ahead`
  float guess_right = 0.5f;                     ///< share of guesses, the latest weighing most
  EarlyGate gate;                               ///< for single tokens; long prompts guess so well that it always pays
  uint32_t tokens = 0;                          ///< of the running step
  uint64_t misses_before = 0;                   ///< it
  std::chrono::steady_clock::time_point begun;  ///< when it came to its first routing
  base::Status failure;
  StoreStats stats;
  std::vector<BankUse> uses;  ///< [bank]
  bool closing = false;

  std::atomic<bool> failed = false;
  std::vector<std::thread> workers;

  const ExpertPart& PartOf(const Entry& entry, uint32_t stage) const {
    return banks[entry.bank].parts[entry.expert][stage];
  }
  uint32_t StagesOf(const Entry& entry) const { return banks[entry.bank].stages(); }
  bool Whole(const Entry& entry) const {
    return std::all_of(entry.parts.begin(), entry.parts.begin() + StagesOf(entry),
                       [](PartState state) { return state == PartState::kReady; });
  }

  // All below: with the mutex held.

  /// Reads of an absent part go to the end of a queue, in pieces of at most `piece_bytes`.
  void Enqueue(Entry& entry, uint32_t stage, std::deque<Piece>& to, uint64_t piece_bytes);
  void EnqueueWanted(Entry& entry, uint32_t stage);
  /// Of its first `stages` parts, what is absent.
  void EnqueueEarly(Entry& entry, uint32_t stages);
  /// Those pieces of a queue are not read. @returns how many.
  template <typename Which>
  size_t Drop(std::deque<Piece>& from, const Which& which);
  /// Whether guesses may be read in this step.
  bool ReadsEarly() const { return tokens > kFewTokens || gate.open(); }
  /// What was expected of the routing that begins: reads that it wants go to the front, the others are given up.
  void SettleExpected();
  void MarkReady(Entry& entry, uint32_t stage);
  /// A sweep's next stage: what is in memory first, then what has at least a slot.
  void BeginSweepStage(uint32_t stage);
  /// Waits for more than `index` ready experts; true when there are.
  bool AwaitReady(std::unique_lock<std::mutex>& lock, uint32_t stage, size_t index, const std::atomic<bool>& stop);
  /// Waits for the last expert of that routing's stage, unless the run is at another.
  void AwaitAll(std::unique_lock<std::mutex>& lock, uint32_t routing, uint32_t stage, const std::atomic<bool>& stop);

  /// The thread of a worker; without the mutex.
  void Work();

 private:
  std::optional<Piece> NextWanted();
  std::optional<Piece> NextEarly();
  void FinishPiece(const Piece& piece, const base::Status& status);
};

template <typename Which>
size_t ExpertStore::Impl::Drop(std::deque<Piece>& from, const Which& which) {
  return std::erase_if(from, [&](const Piece& piece) {
    if (!which(piece)) return false;
    Entry& entry = *piece.entry;
    entry.broken[piece.stage] = true;
    if (--entry.pieces_left[piece.stage] == 0) entry.parts[piece.stage] = PartState::kAbsent;
    return true;
  });
}

}  // namespace zell::stream
