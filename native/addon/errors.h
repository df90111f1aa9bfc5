// Failures as JavaScript sees them: an Error with a `code` of protocol/src/errors.ts.
#pragma once

#include <napi.h>

#include "base/status.h"

namespace zell::addon {

Napi::Value ToError(Napi::Env env, const base::Status& status);
/// Leaves the error pending; return the result at once.
Napi::Value Throw(Napi::Env env, const base::Status& status);
/// A promise that rejects with the error.
Napi::Value Reject(Napi::Env env, const base::Status& status);

inline base::Status Invalid(std::string message) { return {base::StatusCode::kInvalidRequest, std::move(message)}; }

}  // namespace zell::addon
