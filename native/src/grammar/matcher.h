// One answer on its way through a program.
#pragma once

#include <memory>
#include <mutex>
#include <span>

#include "grammar/states.h"

namespace zell::grammar {

/// The states of a program, shared by its answers: what one has found out serves the others.
struct SharedStates {
  explicit SharedStates(std::shared_ptr<const Program> program) : table(std::make_shared<States>(std::move(program))) {}
  std::mutex mutex;
  std::shared_ptr<States> table;  ///< replaced when it is full
};

/// Not thread-safe, but several matchers with the same states may be used from different threads.
class Matcher {
 public:
  explicit Matcher(std::shared_ptr<SharedStates> shared);

  bool Allows(int32_t token);
  /// One bit a token; valid until the next call.
  std::span<const uint64_t> Mask();
  /// A token that Allows has come.
  void Accept(int32_t token);
  /// Whether the text may end here.
  bool MayEnd();
  /// Ends the text was accepted.
  bool ended() const { return ended_; }
  /// Why nothing is allowed any more.
  const base::Status& status() const { return status_; }

 private:
  /// The table in force, with this answer's state in it.
  States& Table();
  void Check(const States& table);

  std::shared_ptr<SharedStates> shared_;
  std::shared_ptr<States> table_;
  StateId state_;
  bool ended_ = false;
  std::vector<uint64_t> bits_;
  base::Status status_;
};

}  // namespace zell::grammar
