#include "stream/places.h"

#include <algorithm>
#include <numeric>

namespace zell::stream {
namespace {

// Laps in a memory of `bytes`; fills `places` unless it is nullptr.
uint64_t Lay(std::span<const uint64_t> sizes, uint64_t bytes, Places* places) {
  uint64_t laps = 1, at = 0;
  for (const uint64_t size : sizes) {
    if (at > 0 && size > bytes - at) ++laps, at = 0;
    if (places != nullptr) {
      places->begins.push_back(at);
      places->bytes = std::max(places->bytes, at + size);
    }
    at += size;
  }
  return laps;
}

// The smallest memory up to `most` with which that many laps are enough.
uint64_t SmallestFor(std::span<const uint64_t> sizes, uint64_t laps, uint64_t most) {
  uint64_t low = *std::max_element(sizes.begin(), sizes.end()), high = std::max(low, most);
  while (low < high) {
    const uint64_t middle = low + (high - low) / 2;
    if (Lay(sizes, middle, nullptr) <= laps) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

// Bytes that can be read ahead while a thing is used, where that is least.
uint64_t LeastAhead(std::span<const uint64_t> sizes, const Places& places) {
  const size_t n = sizes.size();
  const auto overlap = [&](size_t a, size_t b) {
    return places.begins[a] < places.begins[b] + sizes[b] && places.begins[b] < places.begins[a] + sizes[a];
  };
  uint64_t least = UINT64_MAX;
  for (size_t i = 0; i < n; ++i) {
    uint64_t ahead = 0;
    for (size_t next = 1; next < n && !overlap((i + next) % n, i); ++next) ahead += sizes[(i + next) % n];
    least = std::min(least, ahead);
  }
  return least;
}

}  // namespace

Places PlaceInLaps(std::span<const uint64_t> sizes, uint64_t most_bytes) {
  // More laps than needed may end where things fit better.
  constexpr uint64_t kMoreLaps = 4;
  Places best;
  if (sizes.empty()) return best;
  const uint64_t laps = Lay(sizes, most_bytes, nullptr);
  uint64_t most_ahead = 0;
  for (uint64_t more = 0; more <= kMoreLaps; ++more) {
    Places places;
    Lay(sizes, SmallestFor(sizes, laps + more, most_bytes), &places);
    const uint64_t ahead = LeastAhead(sizes, places);
    if (best.begins.empty() || ahead > most_ahead) best = std::move(places), most_ahead = ahead;
  }
  return best;
}

}  // namespace zell::stream
