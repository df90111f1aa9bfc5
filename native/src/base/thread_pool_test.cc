// Lock-step threads: every index runs once, barriers order memory, idle workers sleep.
#include "base/thread_pool.h"

#include <atomic>
#include <chrono>
#include <ctime>
#include <thread>
#include <vector>

#include "check.h"

using zell::base::ThreadPool;

namespace {

double ProcessCpuSeconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

}  // namespace

TEST(run_calls_every_index_once_and_waits_for_all) {
  for (int n : {1, 2, 3, 5}) {
    ThreadPool pool(n);
    CHECK_EQ(pool.size(), n);
    for (int round = 0; round < 200; ++round) {
      std::vector<int> calls(n, 0);  // plain ints: each is written by one thread and read after Run
      pool.Run([&](int i) { calls[i]++; });
      for (int i = 0; i < n; ++i) CHECK_EQ(calls[i], 1);
    }
  }
}

TEST(index_zero_runs_on_the_caller) {
  ThreadPool pool(3);
  const std::thread::id caller = std::this_thread::get_id();
  std::atomic<int> on_caller{-1};
  pool.Run([&](int i) {
    if (std::this_thread::get_id() == caller) on_caller = i;
  });
  CHECK_EQ(on_caller.load(), 0);
}

TEST(barrier_makes_earlier_writes_of_all_threads_visible) {
  for (int n : {1, 2, 4}) {
    ThreadPool pool(n);
    std::vector<int> value(n, 0);
    std::atomic<int> wrong{0};
    constexpr int kRounds = 2000;
    pool.Run([&](int i) {
      for (int round = 1; round <= kRounds; ++round) {
        value[i] = round;
        pool.Barrier();
        for (int other : value) wrong += other != round;
        pool.Barrier();
      }
    });
    CHECK_EQ(wrong.load(), 0);
  }
}

TEST(barrier_waits_for_a_thread_that_is_slower_than_the_spin) {
  ThreadPool pool(2);
  std::atomic<bool> slow_done{false};
  bool seen = false;
  pool.Run([&](int i) {
    if (i == 1) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      slow_done = true;
    }
    pool.Barrier();
    if (i == 0) seen = slow_done;
  });
  CHECK(seen);
}

TEST(idle_workers_use_no_cpu_and_still_wake) {
  ThreadPool pool(3);
  pool.Run([](int) {});
  std::this_thread::sleep_for(std::chrono::milliseconds(5));  // past the spin
  const double before = ProcessCpuSeconds();
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  CHECK(ProcessCpuSeconds() - before < 0.02);  // two spinning workers would use 0.4 s, or 0.2 s on one core
  std::atomic<int> calls{0};
  pool.Run([&](int) { calls++; });
  CHECK_EQ(calls.load(), 3);
}

TEST(destruction_right_after_construction) {
  for (int i = 0; i < 100; ++i) ThreadPool pool(3);
}

ZELL_TEST_MAIN
