#include "grammar/syntax.h"

#include <algorithm>

namespace zell::grammar {

Expr Syntax::Add(Node node, size_t cost) {
  cost_ += 1 + cost;
  if (cost_ > kMostExprs) too_large_ = true;
  if (too_large_) return 0;
  nodes_.push_back(node);
  return static_cast<Expr>(nodes_.size() - 1);
}

Expr Syntax::Bytes(std::string_view bytes) {
  Node node{.kind = Kind::kBytes, .first = static_cast<uint32_t>(bytes_.size())};
  node.count = static_cast<uint32_t>(bytes.size());
  const Expr expr = Add(node, bytes.size());
  if (expr != 0) bytes_ += bytes;
  return expr;
}

Expr Syntax::Chars(const CharSet& set) {
  Node node{.kind = Kind::kChars, .first = static_cast<uint32_t>(ranges_.size())};
  node.count = static_cast<uint32_t>(set.ranges().size());
  const Expr expr = Add(node, set.ranges().size());
  if (expr != 0) ranges_.insert(ranges_.end(), set.ranges().begin(), set.ranges().end());
  return expr;
}

Expr Syntax::Call(Rule rule) { return Add({.kind = Kind::kRule, .first = rule}, 0); }

Expr Syntax::Group(Kind kind, std::span<const Expr> parts) {
  Node node{.kind = kind, .first = static_cast<uint32_t>(children_.size())};
  node.count = static_cast<uint32_t>(parts.size());
  const Expr expr = Add(node, parts.size());
  if (expr != 0) children_.insert(children_.end(), parts.begin(), parts.end());
  return expr;
}

Expr Syntax::Sequence(std::span<const Expr> parts) {
  return parts.size() == 1 ? parts[0] : Group(Kind::kSequence, parts);
}

Expr Syntax::Choice(std::span<const Expr> parts) { return parts.size() == 1 ? parts[0] : Group(Kind::kChoice, parts); }

Expr Syntax::Repeat(Expr part, uint32_t least, uint32_t most) {
  if (least == 1 && most == 1) return part;
  if (most == 0) return Empty();
  const Expr expr = Group(Kind::kRepeat, std::span(&part, 1));
  if (expr != 0) {
    nodes_[expr].least = least;
    nodes_[expr].most = most;
  }
  return expr;
}

Expr Syntax::Token(int32_t token, bool negated) {
  return Add({.kind = Kind::kToken, .negated = negated, .first = static_cast<uint32_t>(token)}, 0);
}

Expr Syntax::AnyOf(std::vector<std::string> texts) {
  std::sort(texts.begin(), texts.end());
  texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
  if (texts.empty()) return Never();
  return AnyOfFrom(texts, 0, 0);
}

// Texts that agree in their first `at` bytes: what they share next, then a choice by the byte where they part.
Expr Syntax::AnyOfFrom(std::span<const std::string> sorted, size_t at, int depth) {
  const std::string& front = sorted.front();
  const std::string& back = sorted.back();
  size_t end = at;
  while (end < front.size() && end < back.size() && front[end] == back[end]) ++end;
  const Expr shared = Bytes(std::string_view(front).substr(at, end - at));
  if (sorted.size() == 1) return shared;
  std::vector<Expr> branches;
  if (front.size() == end) {
    branches.push_back(Empty());
    sorted = sorted.subspan(1);
  }
  for (size_t i = 0; i < sorted.size();) {
    size_t j = i + 1;
    while (j < sorted.size() && sorted[j][end] == sorted[i][end]) ++j;
    if (depth < kMostNesting) {
      branches.push_back(AnyOfFrom(sorted.subspan(i, j - i), end, depth + 1));
    } else {
      for (const std::string& text : sorted.subspan(i, j - i)) {
        branches.push_back(Bytes(std::string_view(text).substr(end)));
      }
    }
    i = j;
  }
  return Sequence({shared, Choice(branches)});
}

Rule Syntax::AddRule(std::string name, std::string place) {
  rules_.push_back({.name = std::move(name), .place = std::move(place)});
  return static_cast<Rule>(rules_.size() - 1);
}

void Syntax::Define(Rule rule, Expr body) {
  rules_[rule].body = body;
  rules_[rule].defined = true;
}

}  // namespace zell::grammar
