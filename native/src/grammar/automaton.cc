#include "grammar/automaton.h"

#include <unordered_map>

#include "grammar/rule_facts.h"

namespace zell::grammar {
namespace {

using internal::RuleFacts;
using Kind = Syntax::Kind;

constexpr size_t kMostNodes = 2'000'000;
/// A part that is one character is written out so often; others are counted from two on.
constexpr uint32_t kWrittenOut = 8;
/// Counting needs a part that is never empty; others are written out so often and no more.
constexpr uint32_t kMostEmptyRepeats = 64;

class Compiler {
 public:
  Compiler(const Syntax& syntax, const RuleFacts& facts)
      : syntax_(syntax), facts_(facts), starts_(syntax.rules(), kNone) {
    out_.nodes.push_back({});  // kReturn
  }

  base::Result<Automaton> Run(Rule root) {
    out_.start = Start(root);
    while (!open_.empty() && status_.ok()) {
      const Rule rule = open_.back();
      open_.pop_back();
      // The node was promised to callers; it goes on at the body.
      const uint32_t body = Build(syntax_.rule(rule).body, kReturnNode);
      out_.nodes[starts_[rule]] = {Op::kSplit, body, body};
    }
    if (!status_.ok()) return status_;
    return std::move(out_);
  }

 private:
  static constexpr uint32_t kNone = kNoLimit, kReturnNode = 0;

  uint32_t Start(Rule rule) {
    if (starts_[rule] == kNone) {
      starts_[rule] = Add({});
      open_.push_back(rule);
    }
    return starts_[rule];
  }

  uint32_t Add(AutomatonNode node) {
    if (out_.nodes.size() >= kMostNodes) {
      if (status_.ok()) status_ = {base::StatusCode::kTooLarge, "the grammar is too large"};
      return kReturnNode;
    }
    out_.nodes.push_back(node);
    return static_cast<uint32_t>(out_.nodes.size() - 1);
  }

  uint32_t Set(const ByteSet& set, uint32_t next) {
    const auto [it, fresh] = sets_.try_emplace(set, static_cast<uint32_t>(out_.sets.size()));
    if (fresh) out_.sets.push_back(set);
    return Add({Op::kSet, next, it->second});
  }

  /// The node where a productive `expr` begins that is followed by `next`.
  uint32_t Build(Expr expr, uint32_t next) {
    const Syntax::Node& node = syntax_.node(expr);
    switch (node.kind) {
      case Kind::kBytes: {
        const std::string_view bytes = syntax_.bytes(node);
        for (size_t i = bytes.size(); i-- > 0 && status_.ok();) {
          next = Set(ByteSet().set(static_cast<uint8_t>(bytes[i])), next);
        }
        return next;
      }
      case Kind::kChars:
        return BuildChars(node, next);
      case Kind::kToken:
        out_.tokens.push_back({static_cast<int32_t>(node.first), node.negated});
        return Add({Op::kToken, next, static_cast<uint32_t>(out_.tokens.size() - 1)});
      case Kind::kRule:
        return Add({Op::kCall, next, Start(node.first)});
      case Kind::kSequence: {
        const auto children = syntax_.children(node);
        for (size_t i = children.size(); i-- > 0;) next = Build(children[i], next);
        return next;
      }
      case Kind::kChoice: {
        uint32_t at = kNone;
        for (const Expr child : syntax_.children(node)) {
          if (facts_.Productive(child)) at = Or(at, Build(child, next));
        }
        return at == kNone ? next : at;
      }
      case Kind::kRepeat:
        return BuildRepeat(node, next);
    }
    return next;
  }

  uint32_t Or(uint32_t a, uint32_t b) { return a == kNone ? b : Add({Op::kSplit, b, a}); }

  uint32_t BuildChars(const Syntax::Node& node, uint32_t next) {
    uint32_t at = kNone;
    for (const ByteSets& way : Utf8Ways(syntax_.ranges(node))) {
      uint32_t tail = next;
      for (size_t i = way.size(); i-- > 0;) tail = Set(way[i], tail);
      at = Or(at, tail);
    }
    return at == kNone ? next : at;
  }

  uint32_t BuildRepeat(const Syntax::Node& node, uint32_t next) {
    const Expr part = syntax_.children(node)[0];
    if (!facts_.Productive(part)) return next;  // least is 0
    const bool empty = facts_.Nullable(part);
    const uint32_t least = empty ? 0 : node.least, most = node.most;
    const bool unlimited = most == kNoLimit;
    const bool small = syntax_.node(part).kind == Kind::kChars ||
                       (syntax_.node(part).kind == Kind::kBytes && syntax_.node(part).count == 1);
    const uint32_t copies = unlimited ? least : most;
    if (empty && !unlimited && most > kMostEmptyRepeats) {
      if (status_.ok()) {
        status_ = {base::StatusCode::kInvalidRequest, "a part that may be empty can be repeated " +
                                                          std::to_string(kMostEmptyRepeats) + " times at most, not " +
                                                          std::to_string(most)};
      }
      return next;
    }
    if (copies > (small ? kWrittenOut : 1) && !empty) {
      out_.repeats.push_back({0, least, most});
      const uint32_t index = static_cast<uint32_t>(out_.repeats.size() - 1);
      const uint32_t body = Build(part, kReturnNode);
      out_.repeats[index].body = body;
      return Add({Op::kRepeat, next, index});
    }
    uint32_t at = next;
    if (unlimited) {
      at = Add({Op::kSplit, next, next});
      const uint32_t body = Build(part, at);
      out_.nodes[at].other = body;
    }
    for (uint32_t i = least; !unlimited && i < most && status_.ok(); ++i) at = Or(next, Build(part, at));
    for (uint32_t i = 0; i < least && status_.ok(); ++i) at = Build(part, at);
    return at;
  }

  struct HashSet {
    size_t operator()(const ByteSet& set) const { return std::hash<ByteSet>()(set); }
  };

  const Syntax& syntax_;
  const RuleFacts& facts_;
  Automaton out_;
  std::unordered_map<ByteSet, uint32_t, HashSet> sets_;
  std::vector<uint32_t> starts_;  ///< [rule]
  std::vector<Rule> open_;
  base::Status status_;
};

}  // namespace

base::Result<Automaton> Compile(const Syntax& syntax, Rule root) {
  if (syntax.too_large()) return base::Status{base::StatusCode::kTooLarge, "the grammar is too large"};
  const base::Result<RuleFacts> facts = RuleFacts::Of(syntax);
  if (!facts.ok()) return facts.status();
  if (!facts->Productive(syntax.rule(root).body)) {
    return base::Status{base::StatusCode::kInvalidRequest,
                        "no text can match " + internal::Named(syntax, root) + ": it never ends"};
  }
  base::Result<Automaton> automaton = Compiler(syntax, *facts).Run(root);
  if (automaton.ok()) automaton->may_be_empty = facts->Nullable(syntax.rule(root).body);
  return automaton;
}

}  // namespace zell::grammar
