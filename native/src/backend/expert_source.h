// Where the matrices of experts come from while a plan runs, when they are not all in memory.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <span>

#include "base/status.h"

namespace zell::backend {

/// Tokens of a step that go to an expert.
struct ExpertUse {
  uint32_t expert = 0;
  uint32_t tokens = 0;
};

/// Most matrices that one op multiplies an expert's tokens with: gate and up.
constexpr size_t kExpertParts = 2;

/// An expert whose matrices one op may use.
struct ReadyExpert {
  uint32_t expert = 0;
  std::array<const uint8_t*, kExpertParts> matrices = {};  ///< [part of the op]
};

/// A run of a plan comes to its routings one after the other. The expert ops of a routing are its stages: gate and up,
/// then down. In each, every used expert becomes ready once, in an order that depends on what is in memory and on the
/// disk; results do not depend on it.
class ExpertSource {
 public:
  virtual ~ExpertSource() = default;

  /// One thread, before the stages of routing `routing` (counted in the plan's body) and after those of the one before.
  /// `uses`: the experts with tokens, those with most first. `tokens`: of the step.
  virtual void Begin(uint32_t routing, std::span<const ExpertUse> uses, uint32_t tokens) = 0;

  /// Whether it is worth guessing what the next routing will use.
  virtual bool WantsGuesses() const { return false; }
  /// One thread, after Begin: what routing `routing`, the next one, will probably use, the likeliest first. It may be
  /// read before, and results do not depend on it.
  virtual void Expect(uint32_t /*routing*/, std::span<const ExpertUse> /*guess*/) {}

  /// Sleeps until the `index`th expert of the stage is ready. Threads ask for indices in ascending order, and finish
  /// what they have taken before they ask again. False when `stop` is set or a read failed.
  virtual bool Take(uint32_t stage, uint32_t index, const std::atomic<bool>& stop, ReadyExpert* ready) = 0;
  /// One of the `tasks` tasks on that expert in this stage is done; after the last, its memory may go to another.
  virtual void Done(uint32_t stage, uint32_t index, uint32_t tasks) = 0;
  /// Sleeps until the last expert of that routing's stage is ready, `stop` is set or a read failed. For threads without
  /// a task, which may come late: returns at once when the run is at another routing.
  virtual void AwaitLast(uint32_t routing, uint32_t stage, const std::atomic<bool>& stop) = 0;

  /// Whether a read of this run failed: what it computes from then on is void.
  virtual bool failed() const = 0;
  /// After each run, stopped ones too, when no thread takes anything any more. @returns the first failure of a read.
  virtual base::Status End() = 0;
};

}  // namespace zell::backend
