// How the store reads: what a step wants first, then what the next routing is expected to use, then favourites.
#include <algorithm>
#include <chrono>

#include "stream/store_impl.h"

namespace zell::stream {
namespace {

// Reads for guesses are smaller, and few at once: what a step wants then waits little for them.
constexpr uint64_t kEarlyBytes = 512 * 1024;
constexpr uint32_t kEarlyReads = 2;
// Between two looks at the stop flag of a step.
constexpr auto kStopInterval = std::chrono::milliseconds(2);

std::vector<uint32_t> ExpertsOf(const std::vector<Bank>& banks) {
  std::vector<uint32_t> experts;
  for (const Bank& bank : banks) experts.push_back(bank.experts());
  return experts;
}

}  // namespace

bool Request::Wants(const Entry* entry) const {
  return active && entry->bank == bank && std::find(entries.begin(), entries.end(), entry) != entries.end();
}

ExpertStore::Impl::Impl(std::vector<Bank> all, std::unique_ptr<PieceReader> from)
    : banks(std::move(all)), reader(std::move(from)), policy(ExpertsOf(banks)), slots(banks, SlotBytes(banks)) {
  for (const Bank& bank : banks) uses.push_back({0, std::vector<uint64_t>(bank.experts()), {}});
}

void ExpertStore::Impl::Enqueue(Entry& entry, uint32_t stage, std::deque<Piece>& to, uint64_t piece_bytes) {
  entry.parts[stage] = PartState::kLoading;
  entry.pieces_left[stage] = 0;
  entry.broken[stage] = false;
  for (const Range& range : PartOf(entry, stage).ranges) {
    for (uint64_t done = 0; done < range.bytes; done += piece_bytes) {
      const uint64_t bytes = std::min(piece_bytes, range.bytes - done);
      to.push_back({&entry, stage, range.shard, range.offset + done, bytes, range.slot_offset + done});
      ++entry.pieces_left[stage];
    }
  }
}

void ExpertStore::Impl::EnqueueWanted(Entry& entry, uint32_t stage) { Enqueue(entry, stage, queue, kPieceBytes); }

void ExpertStore::Impl::EnqueueEarly(Entry& entry, uint32_t stages) {
  for (uint32_t stage = 0; stage < stages; ++stage) {
    if (entry.parts[stage] == PartState::kAbsent) Enqueue(entry, stage, ahead, kEarlyBytes);
  }
}

void ExpertStore::Impl::SettleExpected() {
  size_t right = 0;
  for (Entry* entry : expected) {
    entry->expected = false;
    right += request.Wants(entry);
  }
  if (!expected.empty() && expected[0]->bank == request.bank) {
    constexpr float kNews = 0.05f;
    guess_right += kNews * (static_cast<float>(right) / static_cast<float>(expected.size()) - guess_right);
    stats.guesses += expected.size();
    stats.right_guesses += right;
  }
  expected.clear();
  // Favourites among what is given up are looked for again.
  if (Drop(ahead, [this](const Piece& piece) { return !request.Wants(piece.entry); }) > 0) next_favourite = 0;
  queue.insert(queue.begin(), ahead.begin(), ahead.end());
  ahead.clear();
}

void ExpertStore::Impl::MarkReady(Entry& entry, uint32_t stage) {
  request.ready[stage].push_back(&entry);
  request.done[stage].push_back(0);
  arrived.notify_all();
}

void ExpertStore::Impl::BeginSweepStage(uint32_t stage) {
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
    if (entry->parts[stage] == PartState::kAbsent) EnqueueWanted(*entry, stage);
  }
  work.notify_all();
}

bool ExpertStore::Impl::AwaitReady(std::unique_lock<std::mutex>& lock, uint32_t stage, size_t index,
                                   const std::atomic<bool>& stop) {
  const auto is_ready = [&] { return request.ready[stage].size() > index; };
  if (is_ready()) return true;
  const auto begin = std::chrono::steady_clock::now();
  while (!is_ready() && failure.ok() && !stop.load(std::memory_order_relaxed)) arrived.wait_for(lock, kStopInterval);
  const auto waited = std::chrono::steady_clock::now() - begin;
  stats.waited_us += static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(waited).count());
  return is_ready() && failure.ok();
}

void ExpertStore::Impl::AwaitAll(std::unique_lock<std::mutex>& lock, uint32_t routing, uint32_t stage,
                                 const std::atomic<bool>& stop) {
  const auto is_past = [&] { return request.bank != routing || request.ready[stage].size() >= request.entries.size(); };
  while (!is_past() && failure.ok() && !stop.load(std::memory_order_relaxed)) arrived.wait_for(lock, kStopInterval);
}

std::optional<Piece> ExpertStore::Impl::NextWanted() {
  if (queue.empty()) return std::nullopt;
  Entry& entry = *queue.front().entry;
  if (entry.slot == kNoSlot && !slots.Assign(entry, policy)) {
    // Guesses that are half read may hold the slot that is missing.
    Drop(ahead, [](const Piece&) { return true; });
    if (!slots.Assign(entry, policy)) return std::nullopt;
  }
  const Piece piece = queue.front();
  queue.pop_front();
  return piece;
}

std::optional<Piece> ExpertStore::Impl::NextEarly() {
  if (!queue.empty() || wanted_reads > 0 || early_reads >= kEarlyReads) return std::nullopt;
  const auto empty_slot = [this] { return slots.occupied() < slots.live(); };
  while (ahead.empty() && next_favourite < favourites.size() && empty_slot()) {
    Entry& entry = *favourites[next_favourite++];
    EnqueueEarly(entry, StagesOf(entry));
  }
  // A guess is worth the slot of what is expected later than it, and it may be wrong.
  const float wait = 1.0f / std::max(guess_right, 0.01f) - 1.0f + 1.0f / static_cast<float>(banks.size());
  while (!ahead.empty()) {
    Entry* entry = ahead.front().entry;
    if (entry->slot == kNoSlot && !slots.Assign(*entry, policy, wait)) {
      Drop(ahead, [entry](const Piece& piece) { return piece.entry == entry; });
      continue;
    }
    const Piece piece = ahead.front();
    ahead.pop_front();
    return piece;
  }
  return std::nullopt;
}

void ExpertStore::Impl::FinishPiece(const Piece& piece, const base::Status& status) {
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
    EnqueueWanted(entry, piece.stage);  // a run that was stopped gave some of it up
  }
}

void ExpertStore::Impl::Work() {
  std::unique_lock lock(mutex);
  while (!closing) {
    std::optional<Piece> piece = NextWanted();
    const bool early = !piece && (piece = NextEarly());
    if (!piece) {
      work.wait(lock);
      continue;
    }
    uint32_t& running = early ? early_reads : wanted_reads;
    ++running;
    uint8_t* to = slots.Address(*piece->entry) + piece->slot_offset;
    lock.unlock();
    const base::Status status = reader->Read(piece->shard, piece->offset, {to, static_cast<size_t>(piece->bytes)});
    lock.lock();
    --running;
    stats.bytes_read += piece->bytes;
    FinishPiece(*piece, status);
    work.notify_all();
  }
}

}  // namespace zell::stream
