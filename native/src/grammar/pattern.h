// Regular expressions of JSON schemas (ECMA-262) as syntax of a JSON string's characters.
#pragma once

#include <string_view>

#include "base/status.h"
#include "grammar/json_syntax.h"

namespace zell::grammar {

/// Strings in which the pattern is found, without their quotes. Not known: assertions but ^ at the beginning and $ at
/// the end of an alternative, back references, \p, \b.
/// @errors kUnsupported, kInvalidRequest: what is not understood, without the place of the pattern.
base::Result<Expr> ReadPattern(std::string_view pattern, Syntax* syntax, JsonSyntax* json);

}  // namespace zell::grammar
