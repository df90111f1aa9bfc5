// Where matrices come from while a plan runs, when not all of them stay in memory.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>

#include "base/status.h"

namespace zell::backend {

/// Some matmuls of a plan have turns (Op::turn), numbered in the order in which they run: first the body's, then the
/// head's. While an op has its turn, its matrices are where their weights say; at other times something else is there.
class MatrixSource {
 public:
  virtual ~MatrixSource() = default;

  /// One thread, before a run's body and again before each time that the head makes logits. `head_follows`: whether it
  /// will in this run.
  virtual void Begin(bool head_follows) = 0;
  /// Sleeps until the matrices of `turn` are in memory. A thread takes turns in ascending order. False when `stop` is
  /// set or their read failed, then for every thread.
  virtual bool Take(uint32_t turn, const std::atomic<bool>& stop) = 0;
  /// All tasks of that turn are done, its memory may go to another. Any number of threads say so.
  virtual void Done(uint32_t turn) = 0;

  /// Whether kEmbed's rows come from ReadRows.
  virtual bool brings_rows() const = 0;
  /// The embeddings of `tokens`, one after the other. One thread, not within a turn.
  /// @errors kCancelled; what the read failed with.
  virtual base::Status ReadRows(std::span<const int32_t> tokens, uint8_t* out, const std::atomic<bool>& stop) = 0;

  /// Whether a read of this run failed: what it computes from then on is void.
  virtual bool failed() const = 0;
  /// After each run, stopped ones too, when no thread takes anything any more. @returns the first failure of a read.
  virtual base::Status End() = 0;
};

}  // namespace zell::backend
