// A pushdown automaton over bytes, made of a syntax.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/status.h"
#include "grammar/syntax.h"

namespace zell::grammar {

enum class Op : uint8_t {
  kSplit,   ///< goes on at `next` and at `other`
  kSet,     ///< a byte of sets[other], then `next`
  kToken,   ///< token tokens[other], then `next`
  kCall,    ///< a rule that begins at `other`, then `next`
  kRepeat,  ///< repeats[other], then `next`
  kReturn,  ///< the rule, or the repeated part, is over
};

struct AutomatonNode {
  Op op = Op::kReturn;
  uint32_t next = 0, other = 0;
};

/// A part that is counted: its body ends in a kReturn.
struct CountedRepeat {
  uint32_t body = 0;
  uint32_t least = 0, most = 0;  ///< most: kNoLimit for any number
};

struct TokenEdge {
  int32_t token = 0;
  bool negated = false;
};

/// Immutable. Every node leads to the end of the text by some bytes or tokens.
struct Automaton {
  std::vector<AutomatonNode> nodes;
  std::vector<ByteSet> sets;
  std::vector<CountedRepeat> repeats;
  std::vector<TokenEdge> tokens;
  uint32_t start = 0;
  bool may_be_empty = false;
};

/// @errors kInvalidRequest: an undefined rule, one that begins with itself, one that never ends; kTooLarge. Messages
/// name the rule and its place.
base::Result<Automaton> Compile(const Syntax& syntax, Rule root);

}  // namespace zell::grammar
