#include "stream/store.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "stream/policy.h"
#include "stream/slots.h"

namespace zell::stream {
namespace {

// Between two looks at the stop flag of a step.
constexpr auto kStopInterval = std::chrono::milliseconds(2);

std::string MiB(uint64_t bytes) { return std::to_string((bytes + (1 << 20) - 1) >> 20) + " MiB"; }

struct Piece {
  Entry* entry = nullptr;
  uint32_t stage = 0;
  uint32_t shard = 0;
  uint64_t offset = 0;
  uint64_t bytes = 0;
  uint64_t slot_offset = 0;
};

// What the running step wants of one bank.
struct Request {
  bool active = false;
  uint32_t bank = 0;
  std::vector<Entry*> entries;  ///< those with most tokens first
  bool sweep = false;           ///< more entries than slots: stage by stage, slots are given back in between
  uint32_t stage = 0;           ///< of a sweep
  std::array<std::vector<Entry*>, kMostStages> ready;   ///< in the order in which they became it
  std::array<std::vector<uint32_t>, kMostStages> done;  ///< [index in ready] → finished tasks

  bool Wants(const Entry* entry) const {
    return active && entry->bank == bank && std::find(entries.begin(), entries.end(), entry) != entries.end();
  }
};

std::vector<uint32_t> ExpertsOf(const std::vector<Bank>& banks) {
  std::vector<uint32_t> experts;
  for (const Bank& bank : banks) experts.push_back(bank.experts());
  return experts;
}

}  // namespace

struct ExpertStore::Impl {
  Impl(std::vector<Bank> all, std::unique_ptr<PieceReader> from)
      : banks(std::move(all)), reader(std::move(from)), policy(ExpertsOf(banks)), slots(banks, SlotBytes(banks)) {
    for (const Bank& bank : banks) uses.push_back({0, std::vector<uint64_t>(bank.experts())});
  }

  const std::vector<Bank> banks;
  const std::unique_ptr<PieceReader> reader;

  mutable std::mutex mutex;  ///< guards all below
  std::condition_variable arrived, work;
  ExpertPolicy policy;
  Slots slots;
  Request request;
  std::deque<Piece> queue;
  base::Status failure;
  StoreStats stats;
  std::vector<BankUse> uses;
  std::vector<Entry*> favourites;  ///< to be read while nothing else is, the best last
  bool closing = false;

  std::atomic<bool> failed = false;
  std::vector<std::thread> workers;

  const ExpertPart& PartOf(const Entry& entry, uint32_t stage) const {
    return banks[entry.bank].parts[entry.expert][stage];
  }

  // Reads of an absent part go to the end of the queue.
  void Enqueue(Entry& entry, uint32_t stage) {
    entry.parts[stage] = PartState::kLoading;
    entry.pieces_left[stage] = 0;
    entry.broken[stage] = false;
    for (const Range& range : PartOf(entry, stage).ranges) {
      for (uint64_t done = 0; done < range.bytes; done += kPieceBytes) {
        const uint64_t bytes = std::min(kPieceBytes, range.bytes - done);
        queue.push_back({&entry, stage, range.shard, range.offset + done, bytes, range.slot_offset + done});
        ++entry.pieces_left[stage];
      }
    }
  }

  void MarkReady(Entry& entry, uint32_t stage) {
    request.ready[stage].push_back(&entry);
    request.done[stage].push_back(0);
    arrived.notify_all();
  }

  // A sweep's next stage: what is in memory first, then what has at least a slot.
  void BeginSweepStage(uint32_t stage) {
    request.stage = stage;
    const auto rank = [stage](const Entry* e) {
      return e->parts[stage] == PartState::kReady ? 0 : e->slot != kNoSlot ? 1 : 2;
    };
    std::stable_sort(request.entries.begin(), request.entries.end(),
                     [&](const Entry* a, const Entry* b) { return rank(a) < rank(b); });
    for (Entry* entry : request.entries) {
      if (entry->parts[stage] != PartState::kReady) continue;
      entry->pinned = true;
      MarkReady(*entry, stage);
    }
    for (Entry* entry : request.entries) {
      if (entry->parts[stage] == PartState::kAbsent) Enqueue(*entry, stage);
    }
    work.notify_all();
  }

  void FinishPiece(const Piece& piece, const base::Status& status) {
    Entry& entry = *piece.entry;
    const bool wanted = request.Wants(&entry) && (!request.sweep || request.stage == piece.stage);
    if (!status.ok()) {
      entry.broken[piece.stage] = true;
      if (wanted && failure.ok()) failure = status;
      if (wanted) failed = true;
      arrived.notify_all();
    }
    if (--entry.pieces_left[piece.stage] > 0) return;
    const bool whole = !entry.broken[piece.stage];
    entry.parts[piece.stage] = whole ? PartState::kReady : PartState::kAbsent;
    if (whole && wanted) {
      entry.pinned = true;
      MarkReady(entry, piece.stage);
    } else if (wanted && failure.ok()) {
      Enqueue(entry, piece.stage);  // a run that was stopped gave some of it up
    }
    work.notify_all();
  }

  // Into an empty slot; once steps have filled them, what they wanted is better known.
  void EnqueueFavourite() {
    while (!favourites.empty() && slots.HasEmpty()) {
      Entry& entry = *favourites.back();
      favourites.pop_back();
      if (entry.slot != kNoSlot || !slots.Assign(entry, policy)) continue;
      for (uint32_t stage = 0; stage < banks[entry.bank].stages(); ++stage) Enqueue(entry, stage);
      work.notify_all();
      return;
    }
    favourites.clear();
  }

  void Work() {
    std::unique_lock lock(mutex);
    while (!closing) {
      if (queue.empty()) EnqueueFavourite();
      if (queue.empty() || (queue.front().entry->slot == kNoSlot && !slots.Assign(*queue.front().entry, policy))) {
        work.wait(lock);
        continue;
      }
      const Piece piece = queue.front();
      queue.pop_front();
      uint8_t* to = slots.Address(*piece.entry) + piece.slot_offset;
      lock.unlock();
      const base::Status status = reader->Read(piece.shard, piece.offset, {to, static_cast<size_t>(piece.bytes)});
      lock.lock();
      stats.bytes_read += piece.bytes;
      FinishPiece(piece, status);
    }
  }

  // Waits for more than `index` ready experts; true when there are.
  bool AwaitReady(std::unique_lock<std::mutex>& lock, uint32_t stage, size_t index, const std::atomic<bool>& stop) {
    const auto is_ready = [&] { return request.ready[stage].size() > index; };
    if (is_ready()) return true;
    const auto begin = std::chrono::steady_clock::now();
    while (!is_ready() && failure.ok() && !stop.load(std::memory_order_relaxed)) arrived.wait_for(lock, kStopInterval);
    const auto waited = std::chrono::steady_clock::now() - begin;
    stats.waited_us += static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(waited).count());
    return is_ready() && failure.ok();
  }
};

base::Result<std::unique_ptr<ExpertStore>> ExpertStore::Create(std::vector<Bank> banks,
                                                               std::unique_ptr<PieceReader> reader,
                                                               uint64_t cache_bytes, int workers) {
  for (const Bank& bank : banks) {
    if (bank.stages() > kMostStages) {
      return base::Status{base::StatusCode::kUnsupportedModel, "a layer has too many expert ops to be streamed"};
    }
  }
  auto impl = std::make_unique<Impl>(std::move(banks), std::move(reader));
  const uint64_t slot_bytes = std::max<uint64_t>(impl->slots.slot_bytes(), 1);
  const uint64_t count = std::min(cache_bytes / slot_bytes, CountExperts(impl->banks));
  const uint64_t least = LeastSlots(impl->banks);
  if (count < least || least == 0) {
    return base::Status{base::StatusCode::kOutOfMemory, "a cache of " + MiB(cache_bytes) +
                                                            " is too small: the experts of one token need " +
                                                            MiB(least * slot_bytes) + " in each layer"};
  }
  if (!impl->slots.Allocate(count)) {
    return base::Status{base::StatusCode::kOutOfMemory, "no memory for " + MiB(count * slot_bytes) + " of experts"};
  }
  Impl* raw = impl.get();
  for (int i = 0; i < std::max(1, workers); ++i) impl->workers.emplace_back([raw] { raw->Work(); });
  return std::unique_ptr<ExpertStore>(new ExpertStore(std::move(impl)));
}

ExpertStore::ExpertStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

ExpertStore::~ExpertStore() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->closing = true;
  }
  impl_->work.notify_all();
  for (std::thread& worker : impl_->workers) worker.join();
}

void ExpertStore::Begin(uint32_t routing, std::span<const backend::ExpertUse> uses, uint32_t tokens) {
  Impl& m = *impl_;
  const std::lock_guard lock(m.mutex);
  m.policy.Observe(routing, uses, tokens);
  m.uses[routing].tokens += tokens;
  for (const backend::ExpertUse& use : uses) m.uses[routing].experts[use.expert] += use.tokens;
  Request& r = m.request;
  r.active = true;
  r.bank = routing;
  r.entries.clear();
  r.stage = 0;
  for (uint32_t stage = 0; stage < kMostStages; ++stage) r.ready[stage].clear(), r.done[stage].clear();
  const uint32_t stages = m.banks[routing].stages();
  for (const backend::ExpertUse& use : uses) {
    Entry& entry = m.slots.EntryOf(routing, use.expert);
    r.entries.push_back(&entry);
    const bool whole = std::all_of(entry.parts.begin(), entry.parts.begin() + stages,
                                   [](PartState state) { return state == PartState::kReady; });
    ++(whole ? m.stats.hits : m.stats.misses);
  }
  r.sweep = r.entries.size() > m.slots.count();
  if (r.sweep) return m.BeginSweepStage(0);
  for (uint32_t stage = 0; stage < stages; ++stage) {
    for (Entry* entry : r.entries) {
      entry->pinned = true;
      if (entry->parts[stage] == PartState::kReady) m.MarkReady(*entry, stage);
      if (entry->parts[stage] == PartState::kAbsent) m.Enqueue(*entry, stage);
    }
  }
  m.work.notify_all();
}

bool ExpertStore::Take(uint32_t stage, uint32_t index, const std::atomic<bool>& stop, backend::ReadyExpert* ready) {
  Impl& m = *impl_;
  std::unique_lock lock(m.mutex);
  if (m.request.sweep && stage > m.request.stage) m.BeginSweepStage(stage);
  if (!m.AwaitReady(lock, stage, index, stop)) return false;
  const Entry& entry = *m.request.ready[stage][index];
  ready->expert = entry.expert;
  const ExpertPart& part = m.PartOf(entry, stage);
  for (size_t p = 0; p < part.matrices.size(); ++p) ready->matrices[p] = m.slots.Address(entry) + part.matrices[p];
  return true;
}

void ExpertStore::Done(uint32_t stage, uint32_t index, uint32_t tasks) {
  Impl& m = *impl_;
  const std::lock_guard lock(m.mutex);
  if (++m.request.done[stage][index] < tasks) return;
  if (!m.request.sweep && stage + 1 < m.banks[m.request.bank].stages()) return;
  m.request.ready[stage][index]->pinned = false;
  m.work.notify_all();
}

void ExpertStore::AwaitLast(uint32_t routing, uint32_t stage, const std::atomic<bool>& stop) {
  Impl& m = *impl_;
  std::unique_lock lock(m.mutex);
  const auto is_past = [&] {
    return m.request.bank != routing || m.request.ready[stage].size() >= m.request.entries.size();
  };
  while (!is_past() && m.failure.ok() && !stop.load(std::memory_order_relaxed)) m.arrived.wait_for(lock, kStopInterval);
}

bool ExpertStore::failed() const { return impl_->failed.load(std::memory_order_relaxed); }

base::Status ExpertStore::End() {
  Impl& m = *impl_;
  const std::lock_guard lock(m.mutex);
  m.request.active = false;
  for (Entry* entry : m.request.entries) entry->pinned = false;
  for (const Piece& piece : m.queue) {
    Entry& entry = *piece.entry;
    entry.broken[piece.stage] = true;
    if (--entry.pieces_left[piece.stage] == 0) entry.parts[piece.stage] = PartState::kAbsent;
  }
  m.queue.clear();
  m.failed = false;
  return std::exchange(m.failure, base::Status::Ok());
}

base::Status ExpertStore::Recall(std::span<const float> shares) {
  Impl& m = *impl_;
  const std::lock_guard lock(m.mutex);
  if (shares.size() != m.slots.entries.size()) {
    return {base::StatusCode::kInvalidRequest, "expected the use of " + std::to_string(m.slots.entries.size()) +
                                                   " experts, got " + std::to_string(shares.size())};
  }
  m.policy.Recall(shares);
  std::vector<std::pair<float, Entry*>> best;
  for (size_t i = 0; i < shares.size(); ++i) {
    if (shares[i] > 0) best.push_back({shares[i], &m.slots.entries[i]});
  }
  std::stable_sort(best.begin(), best.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  m.favourites.clear();
  for (const auto& [share, entry] : best) m.favourites.push_back(entry);
  m.work.notify_all();
  return base::Status::Ok();
}

std::vector<BankUse> ExpertStore::uses() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->uses;
}

StoreStats ExpertStore::stats() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->stats;
}

StoreSize ExpertStore::size() const {
  const std::lock_guard lock(impl_->mutex);
  return {impl_->slots.slot_bytes(), impl_->slots.count(), impl_->slots.entries.size()};
}

}  // namespace zell::stream
