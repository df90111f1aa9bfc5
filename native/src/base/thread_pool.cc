// Compute threads: workers wait for an epoch, barriers reverse sense by counting phases; both spin briefly, then sleep.
#include "base/thread_pool.h"

#include <atomic>
#include <cassert>
#include <chrono>
#include <cstdint>
#include <thread>
#include <vector>

#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>
#endif

namespace zell::base {
namespace {

// About as long as waking a sleeper takes (one futex call and one inter-processor interrupt): spinning longer than that
// takes the core from whoever would do useful work on it.
constexpr auto kSpin = std::chrono::microseconds(20);
constexpr int kPausesPerClockRead = 16;
constexpr size_t kCacheLine = 64;

void Pause() {
#if defined(__x86_64__) || defined(_M_X64)
  _mm_pause();
#elif defined(__aarch64__) && !defined(_MSC_VER)
  asm volatile("yield");
#endif
}

/// Returns when `word` is no longer `old`; what its writer did before is visible then.
void AwaitChange(const std::atomic<uint32_t>& word, uint32_t old) {
  const auto start = std::chrono::steady_clock::now();
  do {
    for (int i = 0; i < kPausesPerClockRead; ++i) {
      if (word.load(std::memory_order_acquire) != old) return;
      Pause();
    }
  } while (std::chrono::steady_clock::now() - start < kSpin);
  while (word.load(std::memory_order_acquire) == old) word.wait(old, std::memory_order_acquire);
}

}  // namespace

struct ThreadPool::Impl {
  explicit Impl(int n) : threads(n) {}

  void Barrier() {
    const uint32_t mine = phase.load(std::memory_order_relaxed);  // cannot advance before this thread arrives
    if (arrived.fetch_add(1, std::memory_order_acq_rel) + 1 == threads) {
      arrived.store(0, std::memory_order_relaxed);
      phase.store(mine + 1, std::memory_order_release);
      phase.notify_all();
    } else {
      AwaitChange(phase, mine);
    }
  }

  void Work(int thread) {
    for (uint32_t seen = 0;; ++seen) {
      AwaitChange(epoch, seen);
      if (stopping) return;
      (*job)(thread);
      Barrier();
    }
  }

  const int threads;
  // Written by the owner before `epoch` moves, read by workers after.
  const std::function<void(int)>* job = nullptr;
  bool stopping = false;
  alignas(kCacheLine) std::atomic<uint32_t> epoch{0};
  alignas(kCacheLine) std::atomic<int> arrived{0};
  alignas(kCacheLine) std::atomic<uint32_t> phase{0};
  std::vector<std::thread> workers;
};

ThreadPool::ThreadPool(int threads) : impl_(std::make_unique<Impl>(threads < 1 ? 1 : threads)) {
  assert(threads >= 1);
  Impl* impl = impl_.get();
  for (int i = 1; i < impl->threads; ++i) impl->workers.emplace_back([impl, i] { impl->Work(i); });
}

ThreadPool::~ThreadPool() {
  impl_->stopping = true;
  impl_->epoch.fetch_add(1, std::memory_order_release);
  impl_->epoch.notify_all();
  for (std::thread& worker : impl_->workers) worker.join();
}

int ThreadPool::size() const { return impl_->threads; }

void ThreadPool::Run(const std::function<void(int thread)>& job) {
  if (impl_->threads == 1) {
    job(0);
    return;
  }
  impl_->job = &job;
  impl_->epoch.fetch_add(1, std::memory_order_release);
  impl_->epoch.notify_all();
  job(0);
  impl_->Barrier();
}

void ThreadPool::Barrier() {
  if (impl_->threads > 1) impl_->Barrier();
}

}  // namespace zell::base
