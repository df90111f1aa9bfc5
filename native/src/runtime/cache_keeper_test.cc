// When a cache of experts gives memory back and when it grows again, on made-up machines.
#include "runtime/cache_keeper.h"

#include "check.h"

using namespace zell;
using runtime::CachePolicy;
using runtime::MemoryLook;
using stream::StoreSize;

namespace {

constexpr uint64_t kMiB = 1 << 20;
constexpr uint64_t kMargin = 800 * kMiB;

// A machine whose memory the cache fills: what it does not take is available.
struct Machine {
  CachePolicy policy{kMargin};
  StoreSize size{
      .slot_bytes = 10 * kMiB, .slots = 400, .occupied = 400, .most_slots = 400, .least_slots = 8, .experts = 1000};
  uint64_t free_bytes = kMargin;  ///< with the whole cache in memory
  base::MemoryPressure pressure;

  uint64_t Available() const { return free_bytes + (size.most_slots - size.occupied) * size.slot_bytes; }
  void Look(double seconds = 0.2) {
    size.slots = policy.Next(size, {Available(), pressure}, seconds);
    size.occupied = std::min(size.occupied, size.slots);
  }
  void LookFor(double seconds, bool fills = true) {
    for (double t = 0; t < seconds; t += 0.2) {
      Look();
      if (fills) size.occupied = size.slots;
    }
  }
};

}  // namespace

TEST(nothing_happens_while_the_margin_is_there) {
  Machine m;
  m.LookFor(20);
  m.free_bytes = kMargin / 2 + kMiB;  // others grow a little
  m.LookFor(20);
  CHECK_EQ(m.size.slots, uint64_t{400});
  CHECK_EQ(m.policy.reason(), "");
}

TEST(the_cache_gives_way_step_by_step_and_comes_back) {
  Machine m;
  m.LookFor(2);
  m.free_bytes = 250 * kMiB;
  m.Look();
  const uint64_t first = m.size.slots;
  CHECK(first < 400 && first >= 400 * 7 / 8 - 1);
  CHECK(m.policy.reason().find("250 MiB") != std::string::npos);
  // That was enough: no second step.
  m.LookFor(2);
  CHECK_EQ(m.size.slots, first);
  m.free_bytes = kMargin;
  m.LookFor(2);
  CHECK_EQ(m.size.slots, first);  // not at once
  m.LookFor(20);
  CHECK_EQ(m.size.slots, uint64_t{400});
  CHECK_EQ(m.policy.reason(), "");
}

TEST(what_is_missing_is_given_back_at_once_but_never_all) {
  Machine m;
  m.LookFor(1);
  const uint64_t slots = m.policy.Next(m.size, {1 * kMiB, {}}, 0.2);
  CHECK_EQ(slots, uint64_t{349});  // 400 MiB shall be left: an eighth is more than the 40 slots that are missing
  CHECK_EQ(
      m.policy.Next(
          {.slot_bytes = 100 * kMiB, .slots = 20, .occupied = 20, .most_slots = 20, .least_slots = 8, .experts = 100},
          {1 * kMiB, {}}, 0.2),
      uint64_t{16});
  m.size.slots = m.size.occupied = 9;
  CHECK_EQ(m.policy.Next(m.size, {1 * kMiB, {}}, 0.2), uint64_t{8});
}

TEST(empty_slots_give_nothing_back) {
  Machine m;
  m.size.occupied = 100;
  CHECK(m.policy.Next(m.size, {300 * kMiB, {}}, 0.2) < 100);
}

TEST(waiting_and_limits_count_only_where_little_is_left) {
  Machine m;
  m.free_bytes = kMargin - 100 * kMiB;
  m.LookFor(1);
  CHECK_EQ(m.size.slots, uint64_t{400});
  m.pressure.stalled_us += 100000;  // half of the time
  m.Look();
  const uint64_t stalled = m.size.slots;
  CHECK(stalled < 400);
  CHECK_EQ(m.policy.reason(), "programs waited for memory");
  m.free_bytes -= 600 * kMiB;
  m.LookFor(1, false);
  m.free_bytes = kMargin - (400 - m.size.slots) * m.size.slot_bytes - kMiB;
  const uint64_t before = m.size.slots;
  ++m.pressure.limit_events;
  m.Look();
  CHECK(m.size.slots < before);
  CHECK_EQ(m.policy.reason(), "a memory limit was reached");
  Machine roomy;
  roomy.free_bytes = 2 * kMargin;
  roomy.LookFor(1);
  roomy.pressure = {10000000, 7};
  roomy.LookFor(1);
  CHECK_EQ(roomy.size.slots, uint64_t{400});
}

TEST(it_does_not_swing) {
  // Somebody takes 600 MiB for good: the cache finds its place and stays there.
  Machine m;
  m.LookFor(2);
  m.free_bytes = 200 * kMiB;
  m.LookFor(10);
  const uint64_t settled = m.size.slots;
  int changes = 0;
  for (int i = 0; i < 300; ++i) {
    const uint64_t before = m.size.slots;
    m.Look();
    m.size.occupied = m.size.slots;
    changes += before != m.size.slots;
  }
  CHECK(changes <= 3);
  CHECK(m.size.slots >= settled);
  CHECK(m.Available() >= kMargin / 2);
}

TEST(a_system_that_says_nothing_changes_nothing) {
  Machine m;
  CHECK_EQ(m.policy.Next(m.size, {}, 0.2), uint64_t{400});
}

ZELL_TEST_MAIN
