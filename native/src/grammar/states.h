// The states that a program's answers come through: sets of stacks of the automaton, found as they are needed and kept,
// with the tokens that each allows.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/status.h"
#include "grammar/program.h"

namespace zell::grammar {

using StateId = uint32_t;

/// Tokens that may come next.
struct TokenMask {
  std::vector<uint64_t> bits;  ///< [Vocabulary::words()]
  bool any = false;
};

/// Not thread-safe. Only grows: when `full`, go on with a new one (Import).
class States {
 public:
  static constexpr StateId kDead = 0;

  explicit States(std::shared_ptr<const Program> program);

  /// Where an answer begins.
  StateId start() const { return start_; }
  /// After one more byte; kDead when it cannot come.
  StateId Next(StateId state, uint8_t byte);
  /// After a token; kDead when it cannot come, or ended the answer.
  StateId After(StateId state, int32_t token);
  /// Whether the answer may end here.
  bool MayEnd(StateId state) const;
  /// Whether the token may come. Cheaper than a mask that is not known yet.
  bool Allows(StateId state, int32_t token);
  const TokenMask& Mask(StateId state);

  /// The same state of another table of the same program.
  StateId Import(const States& from, StateId state);
  bool full() const;
  /// Not ok when following the grammar took more than kMostWork in one call: every state counts as dead from then on.
  const base::Status& status() const { return status_; }
  const std::shared_ptr<const Program>& program() const { return program_; }

 private:
  /// Where a rule or repeated part goes on when it is over, and under what.
  struct Frame {
    uint32_t parent = 0;
    uint32_t node = 0;           ///< of a call: where to go on; of a repeat: its node
    uint32_t count = 0;          ///< kCalled, or which time of the repeated part it is
    uint32_t short_sighted = 0;  ///< the frame that is like it for the length of a token
  };
  /// A node that takes a byte or token, and the stack above it.
  struct Config {
    uint32_t node;
    uint32_t frame;
    auto operator<=>(const Config&) const = default;
  };
  struct State {
    uint32_t first = 0, count = 0;  ///< in configs_
    bool complete = false;
    uint32_t free = kNotFree;  ///< state of the triggers, in free text
    StateId short_sighted = kUnknown;
  };
  static constexpr uint32_t kNotFree = kNoLimit, kUnknown = kNoLimit, kCalled = kNoLimit;
  /// Steps that one call may take: half a second.
  static constexpr size_t kMostWork = 1'000'000;

  std::span<const Config> ConfigsOf(const State& state) const {
    return std::span(configs_).subspan(state.first, state.count);
  }
  StateId Compute(StateId state, uint8_t byte);
  /// The state of everything that `reach_` leads to without a byte.
  StateId Close();
  void Reach(Config config);
  void Leave(uint32_t frame);
  bool Seen(Config config);
  uint32_t Push(Frame frame);
  uint32_t ShortSighted(const Frame& frame);
  StateId ShortSightedState(StateId state);
  StateId Intern(std::vector<Config>& configs, bool complete, uint32_t free);
  StateId Begin();
  StateId AfterText(StateId state, std::string_view text);
  /// Adds where the state goes by the token's number to `reach_`.
  bool ReachByToken(StateId state, int32_t token);
  TokenMask Walk(StateId state);
  bool Spend(size_t work);

  std::shared_ptr<const Program> program_;
  const Automaton& automaton_;
  std::array<uint8_t, 256> class_of_{};
  size_t classes_ = 0;
  std::vector<Frame> frames_;
  std::vector<State> states_;
  std::vector<Config> configs_;
  std::vector<StateId> next_;  ///< [state, class]
  std::unordered_map<uint64_t, std::vector<uint32_t>> frame_index_, state_index_;
  std::unordered_map<StateId, TokenMask> masks_;
  StateId start_ = kDead;
  size_t work_ = 0;
  base::Status status_;

  // Of Close, kept for their memory.
  std::vector<Config> reach_, found_, seen_;
  std::unordered_set<uint64_t> seen_index_;  ///< of many
  bool complete_ = false;
};

}  // namespace zell::grammar
