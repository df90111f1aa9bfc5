// How much of a model that does not fit is in memory: in slots, each for one expert or one turn.
#pragma once

#include <cstdint>

namespace zell::stream {

struct StoreSize {
  uint64_t slot_bytes = 0;   ///< one
  uint64_t slots = 0;        ///< that may be in memory now
  uint64_t occupied = 0;     ///< and are
  uint64_t most_slots = 0;   ///< that it was made for
  uint64_t least_slots = 0;  ///< that a step needs
  uint64_t experts = 0;      ///< of the model, or turns
};

}  // namespace zell::stream
