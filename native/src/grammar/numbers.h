// JSON numbers within bounds as syntax.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"
#include "grammar/json_syntax.h"

namespace zell::grammar {

/// A decimal number as its digits: no leading zeros in `whole` but one, no trailing ones in `fraction`.
struct Decimal {
  bool negative = false;
  std::string whole = "0";
  std::string fraction;
  /// Of a JSON number; nullopt: more digits than anybody needs.
  static std::optional<Decimal> Of(std::string_view number);
};

struct Bound {
  Decimal value;
  bool exclusive = false;
};

struct NumberBounds {
  std::optional<Bound> low, high;
};

/// Whole numbers of at most 15 digits within the bounds. Never() when there is none.
Expr IntegerWithin(const NumberBounds& bounds, Syntax* syntax, JsonSyntax* json);
/// Decimal fractions without exponent within the bounds.
Expr NumberWithin(const NumberBounds& bounds, Syntax* syntax, JsonSyntax* json);
/// Multiples of a whole number from 2 to kMostFactor, without leading zeros.
Expr MultiplesOf(uint32_t factor, Syntax* syntax);
constexpr uint32_t kMostFactor = 100;

}  // namespace zell::grammar
