// The memory of a cache of experts: equal slots, and which expert lies in which. Private to the room.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <vector>

#include "base/large_pages.h"
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
  bool pinned = false;    ///< somebody computes with it or will
  bool expected = false;  ///< the routing that comes next probably uses it
  bool foretold = false;  ///< was read because of a guess, and no step has used it since
  std::array<PartState, kMostStages> parts = {};
  std::array<uint32_t, kMostStages> pieces_left = {};  ///< of a part that is loading
  std::array<bool, kMostStages> broken = {};           ///< a piece of it failed or was given up

  bool loading() const { return parts[0] == PartState::kLoading || parts[1] == PartState::kLoading; }
  bool absent() const { return parts[0] == PartState::kAbsent && parts[1] == PartState::kAbsent; }
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
    if (slots > std::numeric_limits<uint64_t>::max() / slot_bytes_) return false;
    if (!memory_.Allocate(slots * slot_bytes_)) return false;
    slots_.assign(slots, {});
    live_ = slots;
    return true;
  }

  uint64_t allocated() const { return slots_.size(); }
  /// Slots that may hold an expert.
  uint64_t live() const { return live_; }
  /// Slots that do.
  uint64_t occupied() const { return occupied_; }
  uint64_t slot_bytes() const { return slot_bytes_; }
  Entry& EntryOf(uint32_t bank, uint32_t expert) { return entries[first_[bank] + expert]; }
  uint8_t* Address(const Entry& entry) const { return memory_.data() + entry.slot * slot_bytes_; }

  /// Gives the entry a slot: an empty one, or that of the loose entry which is used again last, if that will be after
  /// more than `least_wait` passes. False: there is none.
  bool Assign(Entry& entry, const ExpertPolicy& policy, float least_wait = -1.0f) {
    const uint32_t slot = FindSlot(policy, least_wait);
    if (slot == kNoSlot) return false;
    Empty(slot);
    slots_[slot].owner = &entry;
    entry.slot = slot;
    ++occupied_;
    return true;
  }

  /// Makes `count` slots live. Those too many lose their experts, which are used again last, and give their memory
  /// back; where somebody computes with an expert or reads it, that waits for the next call.
  void Limit(uint64_t count, const ExpertPolicy& policy) {
    for (uint32_t slot = 0; live_ < count && slot < slots_.size(); ++slot) {
      live_ += slots_[slot].retired;
      slots_[slot].retired = false;
    }
    while (live_ > count) {
      const uint32_t slot = FindSlot(policy, -1.0f);
      if (slot == kNoSlot) return;
      Empty(slot);
      slots_[slot].retired = true;
      --live_;
      base::ReleasePages(memory_.data() + slot * slot_bytes_, slot_bytes_);
    }
  }

  std::vector<Entry> entries;  ///< bank by bank

 private:
  struct Slot {
    Entry* owner = nullptr;
    bool retired = false;  ///< its memory was given back
  };

  uint32_t FindSlot(const ExpertPolicy& policy, float least_wait) const {
    uint32_t best = kNoSlot;
    float longest = least_wait;
    for (uint32_t slot = 0; slot < slots_.size(); ++slot) {
      const Entry* owner = slots_[slot].owner;
      if (slots_[slot].retired) continue;
      if (owner == nullptr) return slot;
      if (owner->pinned || owner->loading()) continue;
      const float wait = owner->expected ? 0.0f : policy.Wait(owner->bank, owner->expert);
      if (wait > longest) longest = wait, best = slot;
    }
    return best;
  }

  void Empty(uint32_t slot) {
    Entry* owner = std::exchange(slots_[slot].owner, nullptr);
    if (owner == nullptr) return;
    --occupied_;
    owner->slot = kNoSlot;
    owner->foretold = false;
    owner->parts = {};
  }

  const uint64_t slot_bytes_;
  std::vector<size_t> first_;  ///< [bank] → its first entry
  DirectBuffer memory_;
  std::vector<Slot> slots_;
  uint64_t live_ = 0;
  uint64_t occupied_ = 0;
};

}  // namespace zell::stream
