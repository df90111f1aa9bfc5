#include "stream/store.h"

#include <algorithm>

#include "stream/store_impl.h"

namespace zell::stream {
namespace {

std::string MiB(uint64_t bytes) { return std::to_string((bytes + (1 << 20) - 1) >> 20) + " MiB"; }

}  // namespace

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
  impl->wanted_slots = count;
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
  if (routing == 0) {
    m.begun = std::chrono::steady_clock::now();
    m.misses_before = m.stats.misses;
  }
  m.tokens = tokens;
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
    m.uses[routing].experts[use.expert] += use.tokens;
    ++(m.Whole(entry) && !entry.foretold ? m.stats.hits : m.stats.misses);
    m.stats.foretold += entry.foretold && !entry.absent();
    entry.foretold = false;
  }
  m.SettleExpected();
  for (Entry* entry : r.entries) entry->pinned = true;
  if (m.slots.live() != m.wanted_slots) m.slots.Limit(m.wanted_slots, m.policy);
  r.sweep = r.entries.size() > m.slots.live();
  if (r.sweep) {
    for (Entry* entry : r.entries) entry->pinned = false;
    return m.BeginSweepStage(0);
  }
  for (uint32_t stage = 0; stage < stages; ++stage) {
    for (Entry* entry : r.entries) {
      if (entry->parts[stage] == PartState::kReady) m.MarkReady(*entry, stage);
      if (entry->parts[stage] == PartState::kAbsent) m.EnqueueWanted(*entry, stage);
    }
  }
  // Gate and up of all come before down, also of what was expected.
  std::stable_sort(m.queue.begin(), m.queue.end(), [](const Piece& a, const Piece& b) { return a.stage < b.stage; });
  m.work.notify_all();
}

bool ExpertStore::WantsGuesses() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->slots.occupied() < impl_->slots.entries.size();
}

void ExpertStore::Expect(uint32_t routing, std::span<const backend::ExpertUse> guess) {
  Impl& m = *impl_;
  const std::lock_guard lock(m.mutex);
  // Where they will not fit together, their later matrices would be given up before their turn.
  const uint32_t stages = guess.size() > m.slots.live() ? 1 : m.banks[routing].stages();
  for (const backend::ExpertUse& use : guess) {
    Entry& entry = m.slots.EntryOf(routing, use.expert);
    entry.expected = true;
    m.expected.push_back(&entry);
    if (!m.ReadsEarly() || m.Whole(entry)) continue;
    entry.foretold = true;
    m.EnqueueEarly(entry, stages);
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
  m.AwaitAll(lock, routing, stage, stop);
}

bool ExpertStore::failed() const { return impl_->failed.load(std::memory_order_relaxed); }

base::Status ExpertStore::End() {
  Impl& m = *impl_;
  const std::lock_guard lock(m.mutex);
  const bool whole = m.request.active && m.request.bank + size_t{1} == m.banks.size();
  if (whole && m.tokens == 1) {
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - m.begun;
    m.gate.Add(took.count(), m.stats.misses - m.misses_before);
  }
  m.request.active = false;
  for (Entry* entry : m.request.entries) entry->pinned = false;
  m.request.entries.clear();
  const auto all = [](const Piece&) { return true; };
  m.Drop(m.queue, all);
  m.SettleExpected();
  if (m.slots.live() != m.wanted_slots) m.slots.Limit(m.wanted_slots, m.policy);
  m.failed = false;
  return std::exchange(m.failure, base::Status::Ok());
}

void ExpertStore::LimitSlots(uint64_t slots) {
  Impl& m = *impl_;
  const std::lock_guard lock(m.mutex);
  m.wanted_slots = std::clamp(slots, LeastSlots(m.banks), m.slots.allocated());
  if (!m.request.active) m.slots.Limit(m.wanted_slots, m.policy);
  m.work.notify_all();
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
  std::stable_sort(best.begin(), best.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  m.favourites.clear();
  for (const auto& [share, entry] : best) m.favourites.push_back(entry);
  m.work.notify_all();
  return base::Status::Ok();
}

std::vector<BankUse> ExpertStore::uses() const {
  const std::lock_guard lock(impl_->mutex);
  std::vector<BankUse> uses = impl_->uses;
  for (const Entry& entry : impl_->slots.entries) {
    uses[entry.bank].in_memory.push_back(entry.slot != kNoSlot && !entry.loading());
  }
  return uses;
}

StoreStats ExpertStore::stats() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->stats;
}

StoreSize ExpertStore::size() const {
  const std::lock_guard lock(impl_->mutex);
  const Slots& slots = impl_->slots;
  return {slots.slot_bytes(),       slots.live(),        slots.occupied(), slots.allocated(),
          LeastSlots(impl_->banks), slots.entries.size()};
}

}  // namespace zell::stream
