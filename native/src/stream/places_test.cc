// Things laid into a small memory: none is cut, no lap is much emptier than others, what is near in time has places
// apart.
#include "stream/places.h"

#include "check.h"

using zell::stream::PlaceInLaps;
using zell::stream::Places;

TEST(neighbours_in_time_never_share_a_place) {
  uint64_t random = 5;
  for (int round = 0; round < 200; ++round) {
    std::vector<uint64_t> sizes;
    for (int i = 0; i < 3 + round % 20; ++i) {
      random = random * 6364136223846793005u + 1442695040888963407u;
      sizes.push_back(1 + (random >> 33) % 100);
    }
    const uint64_t most = 200 + (random >> 40) % 300;
    const Places places = PlaceInLaps(sizes, most);
    CHECK(places.bytes <= most);
    CHECK_EQ(places.begins.size(), sizes.size());
    for (size_t i = 0; i + 1 < sizes.size(); ++i) {
      CHECK(places.begins[i] + sizes[i] <= places.bytes);
      CHECK(places.begins[i + 1] == places.begins[i] + sizes[i] || places.begins[i + 1] == 0);
    }
  }
}

TEST(laps_are_equally_full) {
  // Ten things of 10 in a memory of 70: two laps of 50, not one of 70 and one of 30.
  const Places places = PlaceInLaps(std::vector<uint64_t>(10, 10), 70);
  CHECK_EQ(places.bytes, uint64_t{50});
  CHECK_EQ(places.begins[4], uint64_t{40});
  CHECK_EQ(places.begins[5], uint64_t{0});
}

TEST(what_comes_next_can_be_read_meanwhile) {
  // Layers as models have them: 3, 1, 10, 5. Laps of 18 would put a 5 over a part of the 10 before it.
  std::vector<uint64_t> sizes;
  for (int layer = 0; layer < 12; ++layer) sizes.insert(sizes.end(), {3, 1, 10, 5});
  for (const uint64_t most : {20, 22, 30, 40}) {
    const Places places = PlaceInLaps(sizes, most);
    for (size_t i = 0; i < sizes.size(); ++i) {
      const size_t next = (i + 1) % sizes.size();
      CHECK(places.begins[next] >= places.begins[i] + sizes[i] ||
            places.begins[next] + sizes[next] <= places.begins[i]);
    }
  }
}

TEST(one_lap_takes_what_it_needs) { CHECK_EQ(PlaceInLaps(std::vector<uint64_t>{5, 6}, 100).bytes, uint64_t{11}); }

ZELL_TEST_MAIN
