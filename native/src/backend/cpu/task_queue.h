// How threads share the tasks of a phase, and how they know that all of them are done.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>

#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>
#endif

namespace zell::backend {

/// One phase's tasks, numbered from 0. A phase ends when its tasks are done, not when every thread has come by: one
/// that the system does not let run holds nobody up unless it has a task in its hands.
class alignas(64) TaskQueue {
 public:
  void Reset() {
    next_.store(0, std::memory_order_relaxed);
    done_.store(0, std::memory_order_relaxed);
    first_done_.store(0, std::memory_order_relaxed);
  }
  /// The number of a task that nobody else gets; those beyond the last mean that none is left.
  uint32_t Claim() { return next_.fetch_add(1, std::memory_order_relaxed); }
  /// What this thread wrote in `n` tasks may be read by whoever sees them done.
  void MarkDone(uint32_t n) {
    if (n > 0) done_.fetch_add(n, std::memory_order_release);
  }
  /// The same for those tasks that others of the phase wait for; MarkDone counts them as well.
  void MarkFirstDone() { first_done_.fetch_add(1, std::memory_order_release); }
  /// Returns true when all `total` tasks are done, false when the run was stopped first.
  bool Wait(uint32_t total, const std::atomic<bool>& stop) const { return WaitFor(done_, total, stop); }
  /// Likewise for the first `total` tasks, which wait for nobody and must all be claimed: by then some thread is at
  /// each.
  bool WaitFirst(uint32_t total, const std::atomic<bool>& stop) const { return WaitFor(first_done_, total, stop); }

 private:
  static bool WaitFor(const std::atomic<uint32_t>& done, uint32_t total, const std::atomic<bool>& stop) {
    // Some 10 µs: about as long as a task takes. Then the core may be what the other thread is waiting for.
    for (int spins = 0; done.load(std::memory_order_acquire) != total; ++spins) {
      if (stop.load(std::memory_order_relaxed)) return false;
      if (spins < 200) {
        Pause();
      } else {
        std::this_thread::yield();
      }
    }
    return !stop.load(std::memory_order_relaxed);
  }

  static void Pause() {
#if defined(__x86_64__) || defined(_M_X64)
    _mm_pause();
#elif defined(__aarch64__) && !defined(_MSC_VER)
    asm volatile("yield");
#endif
  }

  std::atomic<uint32_t> next_ = 0;
  std::atomic<uint32_t> done_ = 0;
  std::atomic<uint32_t> first_done_ = 0;
};

}  // namespace zell::backend
