// A request's constraint (`Constraint` of protocol/src/constraint.ts) as a program.
#pragma once

#include <memory>
#include <string_view>

#include "base/status.h"
#include "grammar/matcher.h"

namespace zell::grammar {

/// @param json the constraint as JSON
/// @errors kInvalidRequest, kUnsupported, kTooLarge, each with the place in the grammar or the schema's keyword.
base::Result<std::shared_ptr<SharedStates>> CompileConstraint(std::string_view json,
                                                              std::shared_ptr<const Vocabulary> vocabulary);

}  // namespace zell::grammar
