// Compute threads that work in lock-step: one job at a time on all of them, with barriers inside.
#pragma once

#include <functional>
#include <memory>

namespace zell::base {

/// Run and the destructor belong to one owner thread; Barrier to the threads inside a job.
class ThreadPool {
 public:
  /// `threads` ≥ 1, the caller of Run included.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int size() const;
  /// Calls job(i) once for every i in [0, size()); job(0) on the caller. Returns when all have returned.
  void Run(const std::function<void(int thread)>& job);
  /// Inside a job: returns when every thread of the job has called it; what they wrote before is visible after.
  /// Spins for some µs, then sleeps.
  void Barrier();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// From now on the calling thread gets processor time after threads of usual priority, where the system allows it.
void LowerThreadPriority();

}  // namespace zell::base
