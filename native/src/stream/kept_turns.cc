#include "stream/kept_turns.h"

#include "base/large_pages.h"

namespace zell::stream {
namespace {

constexpr uint64_t kLargePage = 2 * 1024 * 1024;

}  // namespace

bool KeptTurns::Allocate(std::span<const Turn> turns) {
  uint64_t bytes = 0;
  for (const Turn& turn : turns) {
    states_.push_back({.begin = bytes, .bytes = turn.bytes});
    bytes += turn.bytes;
    most_taken_ = std::max(most_taken_, 2 * turn.bytes);
  }
  kept_ = aim_ = count();
  return bytes == 0 || memory_.Allocate(bytes);
}

uint32_t KeptTurns::in_memory() const {
  uint32_t found = std::min(kept(), aim_);
  for (uint32_t turn = found; turn < aim_; ++turn) found += states_[turn].there ? 1 : 0;
  return found;
}

bool KeptTurns::Enter(uint32_t turn) {
  State& state = states_[turn];
  if (state.near) return false;
  if (turn >= aim_) {
    uint64_t near = state.bytes;
    for (uint32_t other = aim_; other < count(); ++other) near += states_[other].near ? states_[other].bytes : 0;
    if (near > most_taken_) return false;
    // The one that was used last is needed last.
    for (uint32_t back = 1; !state.taken && back < count() && Taken() + state.bytes > most_taken_; ++back) {
      const uint32_t other = (turn + count() - back) % count();
      if (other >= aim_ && states_[other].taken && !states_[other].near) GiveBack(other);
    }
  }
  state.near = state.taken = true;
  return true;
}

void KeptTurns::LeaveAll() {
  for (State& state : states_) state.near = false;
}

bool KeptTurns::Settle() {
  const uint32_t before = kept();
  uint32_t kept = std::min(before, aim_);
  for (uint32_t turn = kept; turn < before; ++turn) states_[turn].taken = states_[turn].there = true;
  kept_ = kept;
  // Those that are needed first stay.
  for (uint32_t turn = count(); turn > aim_ && Taken() > most_taken_; --turn) {
    if (states_[turn - 1].taken && !states_[turn - 1].near) GiveBack(turn - 1);
  }
  for (; kept < aim_ && states_[kept].there; ++kept) {
    states_[kept].near = states_[kept].taken = states_[kept].there = false;
  }
  kept_ = kept;
  return kept < before;
}

uint64_t KeptTurns::Taken() const {
  uint64_t bytes = 0;
  for (uint32_t turn = aim_; turn < count(); ++turn) {
    bytes += states_[turn].taken ? states_[turn].bytes : 0;
  }
  return bytes;
}

void KeptTurns::GiveBack(uint32_t turn) {
  states_[turn].taken = states_[turn].there = false;
  // A large page that the system has given for it reaches into the places beside it.
  const auto is_void = [this](uint32_t other) { return other >= kept() && !states_[other].taken; };
  uint64_t begin = states_[turn].begin, end = begin + states_[turn].bytes;
  const uint64_t low = begin - std::min(begin, kLargePage), high = end + kLargePage;
  for (uint32_t other = turn; other > 0 && begin > low && is_void(other - 1); --other) {
    begin = std::max(low, states_[other - 1].begin);
  }
  for (uint32_t other = turn + 1; other < count() && end < high && is_void(other); ++other) {
    end = std::min(high, states_[other].begin + states_[other].bytes);
  }
  base::ReleasePages(memory_.data() + begin, end - begin);
}

}  // namespace zell::stream
