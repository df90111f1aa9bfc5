// Pieces of JSON as syntax: white space, strings, any value.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "grammar/json.h"
#include "grammar/syntax.h"

namespace zell::grammar {

/// Makes each piece once.
class JsonSyntax {
 public:
  explicit JsonSyntax(Syntax* syntax) : syntax_(*syntax) {}

  /// Between two marks: nothing, a space, or a line break with a bounded indentation.
  Expr Space();
  /// A character within a string, escaped in any way; never a lone surrogate.
  Expr Char();
  /// One of the characters, escaped only where it must be.
  Expr CharOf(const CharSet& set);
  Expr String();
  /// A string that is none of `names`.
  Expr KeyBut(const std::vector<std::string>& names);
  /// With few enough digits to be exact, or nearly, in every language.
  Expr Number();
  Expr AnyObject();
  Expr AnyArray();
  Expr AnyValue();
  /// This value, members in this order.
  Expr Constant(const Json& value);
  /// `{` members `}`, the parts separated and ended with white space by their maker.
  Expr Braces(Expr members) { return syntax_.Sequence({syntax_.Bytes("{"), Space(), members, syntax_.Bytes("}")}); }
  Expr Member(Expr key, Expr value) { return syntax_.Sequence({key, syntax_.Bytes(":"), Space(), value}); }
  Expr Comma() { return syntax_.Sequence({syntax_.Bytes(","), Space()}); }
  /// [0-9] so many times.
  Expr Digits(uint32_t least, uint32_t most);

 private:
  template <class Make>
  Expr Once(std::optional<Rule>& rule, const char* name, Make make) {
    if (!rule) {
      rule = syntax_.AddRule(name);
      syntax_.Define(*rule, make());
    }
    return syntax_.Call(*rule);
  }
  Expr NotIn(std::vector<std::vector<uint32_t>> names, size_t at);

  Syntax& syntax_;
  std::optional<Rule> space_, char_, string_, key_rest_, number_, object_, array_, value_;
};

}  // namespace zell::grammar
