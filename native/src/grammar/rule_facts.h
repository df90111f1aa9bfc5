// What follows from the rules of a syntax together: which may match nothing, which can end at all, which begin with
// themselves.
#pragma once

#include <vector>

#include "base/status.h"
#include "grammar/syntax.h"

namespace zell::grammar::internal {

class RuleFacts {
 public:
  /// @errors kInvalidRequest: a rule is not defined, or begins with itself.
  static base::Result<RuleFacts> Of(const Syntax& syntax);

  bool Nullable(Expr expr) const { return Holds(expr, nullable_, false); }
  /// Whether any text matches.
  bool Productive(Expr expr) const { return Holds(expr, productive_, true); }

 private:
  explicit RuleFacts(const Syntax& syntax) : syntax_(&syntax) {}
  /// The property of an expression by that of rules: a leaf has it iff `leaf`.
  bool Holds(Expr expr, const std::vector<bool>& rules, bool leaf) const;
  std::vector<bool> Spread(bool leaf, const std::vector<std::vector<Rule>>& users) const;
  base::Status RefuseLeftRecursion() const;
  void Collect(Expr expr, bool leftmost_only, std::vector<Rule>* out) const;

  const Syntax* syntax_;
  std::vector<bool> nullable_, productive_;  ///< [rule]
};

/// `rule "name" (line 3, column 1)`.
std::string Named(const Syntax& syntax, Rule rule);

}  // namespace zell::grammar::internal
