#include "train/workers.h"

namespace zell::train {

void Workers::For(size_t tasks, const std::function<void(size_t task, size_t thread)>& work) {
  if (tasks == 0 || !MayGoOn()) return;
  // Waking others costs more than one task is worth.
  if (tasks == 1 || pool_.size() == 1) {
    for (size_t task = 0; task < tasks && MayGoOn(); ++task) work(task, 0);
    return;
  }
  next_.store(0, std::memory_order_relaxed);
  pool_.Run([&](int thread) {
    for (;;) {
      if (!MayGoOn()) return;
      const size_t task = next_.fetch_add(1, std::memory_order_relaxed);
      if (task >= tasks) return;
      work(task, static_cast<size_t>(thread));
    }
  });
}

bool Workers::MayGoOn() {
  if (paused()) {
    std::unique_lock lock(mutex_);
    parked_.fetch_add(1, std::memory_order_acq_rel);
    wake_.wait(lock, [&] { return !paused() || stopped(); });
    parked_.fetch_sub(1, std::memory_order_acq_rel);
  }
  return held_.load(std::memory_order_acquire) || !stopped();
}

bool Workers::Hold() {
  held_.store(true, std::memory_order_release);
  if (stopped()) Release();
  return held_.load(std::memory_order_acquire);
}

void Workers::Pause() { paused_.store(true, std::memory_order_release); }

void Workers::Resume() {
  {
    const std::lock_guard lock(mutex_);
    paused_.store(false, std::memory_order_release);
  }
  wake_.notify_all();
}

void Workers::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stop_.store(true, std::memory_order_release);
  }
  wake_.notify_all();
}

}  // namespace zell::train
