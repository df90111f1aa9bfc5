// A compiled constraint: what is the same for every answer that is held to it.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "grammar/automaton.h"
#include "grammar/vocabulary.h"

namespace zell::grammar {

/// Finds the first of several texts in a stream of bytes (Aho and Corasick, 1975).
class Triggers {
 public:
  static constexpr uint32_t kFound = kNoLimit;

  /// None of them empty.
  explicit Triggers(const std::vector<std::string>& texts);
  /// State after one more byte, kFound when a text is complete. The beginning is state 0.
  uint32_t Next(uint32_t state, uint8_t byte) const { return next_[state * 256 + byte]; }

 private:
  std::vector<uint32_t> next_;  ///< [state, byte]
};

/// Immutable.
struct Program {
  Automaton automaton;
  std::shared_ptr<const Vocabulary> vocabulary;
  /// Texts after which the form begins; nullptr: at once.
  std::unique_ptr<Triggers> triggers;
  bool repeat = false;  ///< free text again when the form is complete
};

}  // namespace zell::grammar
