// Two schemas that must both hold as one.
#pragma once

#include "base/status.h"
#include "grammar/json.h"

namespace zell::grammar {

/// Neither has $ref or allOf itself; members may, and the result's may. Annotations are the first one's.
/// @errors kUnsupported with the JSON pointer of a keyword that cannot be combined.
base::Result<Json> MergeSchemas(const Json& a, const Json& b);

/// Whether a keyword says nothing about which values are valid.
bool IsAnnotation(std::string_view keyword);

}  // namespace zell::grammar
