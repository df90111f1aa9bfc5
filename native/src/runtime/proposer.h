// Guesses how sequences go on with a draft head, token by token, for the step that then checks the guesses.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "backend/backend.h"
#include "model/draft_head.h"
#include "runtime/step_runner.h"
#include "stream/matrix_stream.h"

namespace zell::runtime {

/// On the engine's thread.
class Proposer {
 public:
  /// `plan`: the loaded model's, to which `head` was added; `matrices`: its source of those that come from the disk, or
  /// nullptr. What it is given outlives it.
  /// @errors as Backend::Compile.
  static base::Result<std::unique_ptr<Proposer>> Make(backend::Backend& backend, const model::DraftHead& head,
                                                      const backend::Plan& plan, const stream::MatrixStream* matrices);

  /// Items that want guesses get them behind their token, as their draft. Those of several items are made side by side.
  /// A guess computes rows behind the sequence's end, which the checking step computes again. Nothing is guessed while
  /// layers before the head had to give way to other programs: it would read them from the disk.
  void Propose(std::vector<RunningItem>& items, const MakeRoom& make_room, const std::atomic<bool>& stop);

 private:
  Proposer(const model::DraftHead& head, const stream::MatrixStream* matrices) : head_(head), matrices_(matrices) {}

  const model::DraftHead& head_;
  const stream::MatrixStream* matrices_;
  uint32_t turns_ = 0;  ///< of `matrices_` that a guess needs
  std::unique_ptr<backend::Executor> executor_;
};

}  // namespace zell::runtime
