// Threads that share the tasks of a training step, and can be parked or stopped at the border of any task.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>

#include "base/thread_pool.h"

namespace zell::train {

/// For belongs to one owner thread; Pause, Resume, Stop may be called from any.
class Workers {
 public:
  explicit Workers(int threads) : pool_(threads) {}

  int size() const { return pool_.size(); }
  /// Calls work(task, thread) once for every task, on all threads, in any order. What tasks compute must not depend on
  /// which thread they run on. After Stop it returns with tasks left out, and so do all later calls.
  void For(size_t tasks, const std::function<void(size_t task, size_t thread)>& work);

  /// Until Resume no thread begins another task; one takes some milliseconds.
  void Pause();
  void Resume();
  bool paused() const { return paused_.load(std::memory_order_acquire); }
  void Stop();
  /// Until Release a Stop waits: tasks are all done. false, and nothing held, when there was one before.
  bool Hold();
  void Release() { held_.store(false, std::memory_order_release); }
  void ClearStop() { stop_.store(false, std::memory_order_release); }
  bool stopped() const { return stop_.load(std::memory_order_acquire); }
  /// Threads that are between two tasks because of Pause; all of them sleep in the system.
  int parked() const { return parked_.load(std::memory_order_acquire); }

 private:
  /// Returns true when work goes on, false after Stop. Sleeps while parked.
  bool MayGoOn();

  base::ThreadPool pool_;
  std::atomic<size_t> next_ = 0;
  std::atomic<bool> paused_ = false;
  std::atomic<bool> stop_ = false;
  std::atomic<bool> held_ = false;  ///< written by the owner alone
  std::atomic<int> parked_ = 0;
  std::mutex mutex_;
  std::condition_variable wake_;
};

}  // namespace zell::train
