// Turns whose matrices stay in memory as long as it lasts: each has a place of its own. Private to the room.
#pragma once

#include <algorithm>
#include <atomic>
#include <span>
#include <vector>

#include "stream/turns.h"

namespace zell::stream {

/// The first turns of a round are kept. The others of those that have a place are read to it when their turn is near;
/// all together they take the memory of the two largest, which is held all the time: what is free for a moment would
/// be taken by others, and be missing then. A turn that is to be kept again stays where it was read to.
/// Not thread-safe but for kept().
class KeptTurns {
 public:
  /// A place for each of `turns`, all of them kept. False when there is no memory.
  bool Allocate(std::span<const Turn> turns);

  uint32_t count() const { return static_cast<uint32_t>(states_.size()); }
  /// So many are in memory and need no reading; changes with Settle alone.
  uint32_t kept() const { return kept_.load(std::memory_order_relaxed); }
  uint32_t aim() const { return aim_; }
  /// In memory already of those that are or will be kept.
  uint32_t in_memory() const;
  uint64_t bytes() const { return memory_.size(); }
  uint8_t* Address(uint32_t turn) const { return memory_.data() + states_[turn].begin; }
  bool has(uint32_t turn) const { return turn < count(); }
  /// It is not kept, but in memory: it need not be read.
  bool is_there(uint32_t turn) const { return has(turn) && states_[turn].there; }

  /// So many shall be kept, from the next Settle on.
  void Aim(uint32_t kept) { aim_ = std::min(kept, count()); }
  /// A turn that is not kept comes near: its memory may be filled from now on. False: it is near already, or there is
  /// no room before another one was used.
  bool Enter(uint32_t turn);
  /// It was read.
  void Arrived(uint32_t turn) { states_[turn].there = true; }
  /// A step is done with it.
  void Used(uint32_t turn) { states_[turn].near = false; }
  /// No turn is near any more.
  void LeaveAll();
  /// While no step runs. True: fewer are kept, a round begins earlier.
  bool Settle();

 private:
  struct State {
    uint64_t begin = 0, bytes = 0;
    bool near = false;   ///< somebody reads it or will use it
    bool taken = false;  ///< it is not kept and takes memory
    bool there = false;  ///< and holds what it should
  };
  /// Bytes of memory that turns take which will not be kept.
  uint64_t Taken() const;
  void GiveBack(uint32_t turn);

  DirectBuffer memory_;
  std::vector<State> states_;  ///< [turn]
  uint64_t most_taken_ = 0;
  std::atomic<uint32_t> kept_ = 0;
  uint32_t aim_ = 0;
};

}  // namespace zell::stream
