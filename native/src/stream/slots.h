// The memory of a cache of experts: equal slots, and which expert lies in which. Private to the room.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/direct_file.h"
#include "stream/bank.h"
#include "stream/policy.h"

namespace zell::stream {

constexpr uint32_t kNoSlot = UINT32_MAX;
/// Stages of a bank at most.
constexpr uint32_t kMostStages = 2;

enum class PartState : uint8_t { kAbsent, kLoading, kReady };

/// An expert of the model, in a slot or not.
struct Entry {
  uint32_t bank = 0;
  uint32_t expert = 0;
  uint32_t slot = kNoSlot;
  bool pinned = false;  ///< somebody computes with it or will
  std::array<PartState, kMostStages> parts = {};
  std::array<uint32_t, kMostStages> pieces_left = {};  ///< of a part that is loading
  std::array<bool, kMostStages> broken = {};           ///< a piece of it failed or was given up

  bool loading() const { return parts[0] == PartState::kLoading || parts[1] == PartState::kLoading; }
};

/// Not thread-safe.
class Slots {
 public:
  Slots(const std::vector<Bank>& banks, uint64_t slot_bytes) : slot_bytes_(slot_bytes) {
    for (const Bank& bank : banks) {
      first_.push_back(entries.size());
      for (uint32_t e = 0; e < bank.experts(); ++e) {
        entries.push_back({static_cast<uint32_t>(first_.size() - 1), e});
      }
    }
  }

  /// False when there is no memory.
  bool Allocate(uint64_t slots) {
    if (slots > (std::numeric_limits<size_t>::max() - base::kDirectAlignment) / slot_bytes_) return false;
    memory_ = base::AlignedBuffer<uint8_t>::Unzeroed(slots * slot_bytes_ + base::kDirectAlignment);
    if (!memory_.ok()) return false;
    const size_t beyond = reinterpret_cast<uintptr_t>(memory_.data()) % base::kDirectAlignment;
    first_slot_ = memory_.data() + (beyond == 0 ? 0 : base::kDirectAlignment - beyond);
    owners_.assign(slots, nullptr);
    return true;
  }

  uint64_t count() const { return owners_.size(); }
  uint64_t slot_bytes() const { return slot_bytes_; }
  bool HasEmpty() const { return std::find(owners_.begin(), owners_.end(), nullptr) != owners_.end(); }
  Entry& EntryOf(uint32_t bank, uint32_t expert) { return entries[first_[bank] + expert]; }
  uint8_t* Address(const Entry& entry) const { return first_slot_ + entry.slot * slot_bytes_; }

  /// Gives the entry a slot: an empty one, or that of the loose entry which is used again last. False: all are in use.
  bool Assign(Entry& entry, const ExpertPolicy& policy) {
    uint32_t best = kNoSlot;
    float longest = -1.0f;
    for (uint32_t slot = 0; slot < owners_.size(); ++slot) {
      const Entry* owner = owners_[slot];
      if (owner == nullptr) {
        best = slot;
        break;
      }
      if (owner->pinned || owner->loading()) continue;
      const float wait = policy.Wait(owner->bank, owner->expert);
      if (wait > longest) longest = wait, best = slot;
    }
    if (best == kNoSlot) return false;
    if (Entry* owner = owners_[best]) {
      owner->slot = kNoSlot;
      owner->parts = {};
    }
    owners_[best] = &entry;
    entry.slot = best;
    return true;
  }

  std::vector<Entry> entries;  ///< bank by bank

 private:
  const uint64_t slot_bytes_;
  std::vector<size_t> first_;  ///< [bank] → its first entry
  base::AlignedBuffer<uint8_t> memory_;
  uint8_t* first_slot_ = nullptr;
  std::vector<Entry*> owners_;  ///< [slot]
};

}  // namespace zell::stream
