// JSON Schema (draft 2020-12, the subset in this room's README) as syntax.
#pragma once

#include "base/status.h"
#include "grammar/json.h"
#include "grammar/syntax.h"

namespace zell::grammar {

/// Values that are valid by the schema; not always all of them, never others.
/// @errors kUnsupported, kInvalidRequest with the JSON pointer of the keyword; kTooLarge.
base::Result<Expr> ReadSchema(const Json& schema, Syntax* syntax);

}  // namespace zell::grammar
