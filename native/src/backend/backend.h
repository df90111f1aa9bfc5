// The contract of a compute backend: compile a plan once, run batches of tokens through it.
#pragma once

#include <atomic>
#include <memory>

#include "backend/batch.h"
#include "backend/input_sums.h"
#include "backend/plan.h"
#include "base/status.h"
#include "kernels/kernels.h"

namespace zell::backend {

/// A compiled plan with its scratch memory. One Run at a time.
class Executor {
 public:
  virtual ~Executor() = default;

  /// Computes one batch of at most kMaxBatchTokens tokens and writes its KV rows. `stop` may become true at any moment:
  /// the run then ends within 10 ms with kCancelled (KV rows beyond each item's start are undefined then, outputs may
  /// be missing).
  /// @errors kCancelled, kOutOfMemory (scratch), kTooLarge.
  virtual base::Status Run(const Batch& batch, OutputSink& sink, const std::atomic<bool>& stop) = 0;

  /// Bytes of scratch memory that a batch of `tokens` tokens needs at most.
  virtual size_t ScratchBytes(size_t tokens) const = 0;
};

class Backend {
 public:
  virtual ~Backend() = default;
  virtual const char* name() const = 0;
  /// The weights' bytes must outlive the executor.
  /// @errors kUnsupported (an op or type that this backend lacks), kInternal (an unsound plan).
  virtual base::Result<std::unique_ptr<Executor>> Compile(const Plan& plan) = 0;
};

/// Scalar or SIMD code of this CPU on `threads` threads, the caller of Run included. `sums` (outlives the backend):
/// executors add to it what their bodies multiply matrices with.
std::unique_ptr<Backend> MakeCpuBackend(int threads, const kernels::Kernels& kernels = kernels::ActiveKernels(),
                                        InputSums* sums = nullptr);
/// Refuses every plan: what a build without a GPU gives to those who ask for one, so that callers need no #ifdef.
std::unique_ptr<Backend> MakeNoneBackend(const char* wanted);

}  // namespace zell::backend
