// Guesses how sequences go on with a draft head, token by token, for the step that then checks the guesses.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "backend/backend.h"
#include "backend/matrix_source.h"
#include "model/draft_head.h"
#include "runtime/step_runner.h"

namespace zell::runtime {

/// On the engine's thread.
class Proposer {
 public:
  /// `plan`: the loaded model's, to which `head` was added. What it is given outlives it.
  /// @errors as DraftHead::GuessPlan and Backend::Compile.
  static base::Result<std::unique_ptr<Proposer>> Make(backend::Backend& backend, const model::DraftHead& head,
                                                      const backend::Plan& plan);

  /// Items that want guesses get them behind their token, as their draft. Those of several items are made side by side.
  /// A guess computes rows behind the sequence's end, which the checking step computes again.
  void Propose(std::vector<RunningItem>& items, const MakeRoom& make_room, const std::atomic<bool>& stop);

 private:
  Proposer(const model::DraftHead& head, backend::MatrixSource* rows);

  const model::DraftHead& head_;
  std::unique_ptr<backend::MatrixSource> rows_;  ///< nullptr: embeddings are in memory
  std::unique_ptr<backend::Executor> executor_;
};

}  // namespace zell::runtime
