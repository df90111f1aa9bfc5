// Where in a small memory things go that are used one after the other, again and again.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace zell::stream {

struct Places {
  std::vector<uint64_t> begins;  ///< [thing]
  uint64_t bytes = 0;            ///< of memory in all
};

/// Lays things of `sizes` one behind the other, from the memory's beginning again when the next does not fit. Every
/// round has the same places. Laps end where most can be read ahead while something is used, at the worst place of a
/// round: neither are the last ones much emptier than others, nor do neighbours share a place if that can be avoided.
/// No size may be larger than `most_bytes`.
Places PlaceInLaps(std::span<const uint64_t> sizes, uint64_t most_bytes);

}  // namespace zell::stream
