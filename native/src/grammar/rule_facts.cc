#include "grammar/rule_facts.h"

namespace zell::grammar::internal {

std::string Named(const Syntax& syntax, Rule rule) {
  const Syntax::RuleInfo& info = syntax.rule(rule);
  return "rule \"" + info.name + "\"" + (info.place.empty() ? "" : " (" + info.place + ")");
}

bool RuleFacts::Holds(Expr expr, const std::vector<bool>& rules, bool leaf) const {
  const Syntax::Node& node = syntax_->node(expr);
  switch (node.kind) {
    case Syntax::Kind::kBytes:
      return leaf || node.count == 0;
    case Syntax::Kind::kChars:
      return leaf && node.count > 0;
    case Syntax::Kind::kToken:
      return leaf;
    case Syntax::Kind::kRule:
      return rules[node.first];
    case Syntax::Kind::kRepeat:
      return node.least == 0 || Holds(syntax_->children(node)[0], rules, leaf);
    case Syntax::Kind::kSequence:
      for (const Expr child : syntax_->children(node)) {
        if (!Holds(child, rules, leaf)) return false;
      }
      return true;
    case Syntax::Kind::kChoice:
      for (const Expr child : syntax_->children(node)) {
        if (Holds(child, rules, leaf)) return true;
      }
      return false;
  }
  return false;
}

// Once a rule has the property, the rules that use it are looked at again: as often as there are uses, no more.
std::vector<bool> RuleFacts::Spread(bool leaf, const std::vector<std::vector<Rule>>& users) const {
  std::vector<bool> has(syntax_->rules(), false);
  std::vector<Rule> open;
  for (Rule rule = 0; rule < syntax_->rules(); ++rule) open.push_back(rule);
  while (!open.empty()) {
    const Rule rule = open.back();
    open.pop_back();
    if (has[rule] || !Holds(syntax_->rule(rule).body, has, leaf)) continue;
    has[rule] = true;
    for (const Rule user : users[rule]) {
      if (!has[user]) open.push_back(user);
    }
  }
  return has;
}

void RuleFacts::Collect(Expr expr, bool leftmost_only, std::vector<Rule>* out) const {
  const Syntax::Node& node = syntax_->node(expr);
  switch (node.kind) {
    case Syntax::Kind::kRule:
      out->push_back(node.first);
      break;
    case Syntax::Kind::kSequence:
    case Syntax::Kind::kChoice:
    case Syntax::Kind::kRepeat:
      for (const Expr child : syntax_->children(node)) {
        Collect(child, leftmost_only, out);
        if (leftmost_only && node.kind == Syntax::Kind::kSequence && !Nullable(child)) break;
      }
      break;
    default:
      break;
  }
}

base::Status RuleFacts::RefuseLeftRecursion() const {
  const size_t count = syntax_->rules();
  enum : uint8_t { kNew, kOpen, kDone };
  std::vector<uint8_t> state(count, kNew);
  struct Frame {
    Rule rule;
    std::vector<Rule> first;
    size_t at = 0;
  };
  std::vector<Frame> path;
  const auto enter = [&](Rule rule) {
    state[rule] = kOpen;
    path.push_back({.rule = rule, .first = {}});
    Collect(syntax_->rule(rule).body, true, &path.back().first);
  };
  for (Rule root = 0; root < count; ++root) {
    if (state[root] != kNew) continue;
    enter(root);
    while (!path.empty()) {
      Frame& top = path.back();
      if (top.at == top.first.size()) {
        state[top.rule] = kDone;
        path.pop_back();
        continue;
      }
      const Rule next = top.first[top.at++];
      if (state[next] == kOpen) {
        return {base::StatusCode::kInvalidRequest,
                Named(*syntax_, next) + " begins with itself: left recursion is not possible here"};
      }
      if (state[next] == kNew) enter(next);
    }
  }
  return base::Status::Ok();
}

base::Result<RuleFacts> RuleFacts::Of(const Syntax& syntax) {
  RuleFacts facts(syntax);
  for (Rule rule = 0; rule < syntax.rules(); ++rule) {
    if (!syntax.rule(rule).defined) {
      return base::Status{base::StatusCode::kInvalidRequest, Named(syntax, rule) + " is used but not defined"};
    }
  }
  std::vector<std::vector<Rule>> users(syntax.rules());
  for (Rule rule = 0; rule < syntax.rules(); ++rule) {
    std::vector<Rule> used;
    facts.Collect(syntax.rule(rule).body, false, &used);
    for (const Rule other : used) users[other].push_back(rule);
  }
  facts.nullable_ = facts.Spread(false, users);
  facts.productive_ = facts.Spread(true, users);
  ZELL_RETURN_IF_ERROR(facts.RefuseLeftRecursion());
  return facts;
}

}  // namespace zell::grammar::internal
