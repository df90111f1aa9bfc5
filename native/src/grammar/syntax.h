// What a text may look like, as a tree of expressions and named rules: the form between GBNF or JSON Schema and the
// automaton.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "grammar/characters.h"

namespace zell::grammar {

using Expr = uint32_t;
using Rule = uint32_t;

/// Limits that no grammar of use comes near; beyond them it is refused.
constexpr size_t kMostExprs = 400'000;
constexpr uint32_t kMostRepeats = 1'000'000'000;
constexpr int kMostNesting = 100;

constexpr uint32_t kNoLimit = std::numeric_limits<uint32_t>::max();

/// Expressions are made bottom-up and never change; a rule is named first and defined later, so that it may refer to
/// itself. Once more than kMostExprs were made, `too_large` is set and nothing more is added.
class Syntax {
 public:
  enum class Kind : uint8_t { kBytes, kChars, kRule, kSequence, kChoice, kRepeat, kToken };
  struct Node {
    Kind kind = Kind::kChoice;
    bool negated = false;  ///< kToken: every token but this one
    uint32_t first = 0;    ///< of bytes, ranges or children; the rule; the token
    uint32_t count = 0;
    uint32_t least = 0, most = 0;  ///< kRepeat
  };
  struct RuleInfo {
    std::string name;
    std::string place;  ///< where it is defined, for messages
    Expr body = 0;
    bool defined = false;
  };

  Expr Bytes(std::string_view bytes);
  /// One character of the set.
  Expr Chars(const CharSet& set);
  Expr Call(Rule rule);
  Expr Sequence(std::span<const Expr> parts);
  Expr Sequence(std::initializer_list<Expr> parts) { return Sequence(std::span(parts.begin(), parts.size())); }
  /// None: nothing matches.
  Expr Choice(std::span<const Expr> parts);
  Expr Choice(std::initializer_list<Expr> parts) { return Choice(std::span(parts.begin(), parts.size())); }
  Expr Repeat(Expr part, uint32_t least, uint32_t most = kNoLimit);
  Expr Optional(Expr part) { return Repeat(part, 0, 1); }
  Expr Empty() { return Sequence({}); }
  Expr Never() { return Choice({}); }
  /// One token of the vocabulary, by its number.
  Expr Token(int32_t token, bool negated);
  /// One of several literal texts, shared beginnings merged.
  Expr AnyOf(std::vector<std::string> texts);

  Rule AddRule(std::string name, std::string place = {});
  void Define(Rule rule, Expr body);

  bool too_large() const { return too_large_; }
  const Node& node(Expr expr) const { return nodes_[expr]; }
  std::string_view bytes(const Node& node) const { return std::string_view(bytes_).substr(node.first, node.count); }
  std::span<const CharRange> ranges(const Node& node) const {
    return std::span(ranges_).subspan(node.first, node.count);
  }
  std::span<const Expr> children(const Node& node) const {
    return std::span(children_).subspan(node.first, node.count);
  }
  const RuleInfo& rule(Rule rule) const { return rules_[rule]; }
  size_t rules() const { return rules_.size(); }

 private:
  Expr Add(Node node, size_t cost);
  Expr Group(Kind kind, std::span<const Expr> parts);
  Expr AnyOfFrom(std::span<const std::string> sorted, size_t at, int depth);

  std::vector<Node> nodes_{Node{}};  ///< the first matches nothing
  std::string bytes_;
  std::vector<CharRange> ranges_;
  std::vector<Expr> children_;
  std::vector<RuleInfo> rules_;
  size_t cost_ = 0;
  bool too_large_ = false;
};

}  // namespace zell::grammar
