// The runtime's results as JavaScript objects; every array is a copy.
#pragma once

#include <napi.h>

#include <span>

#include "runtime/step.h"

namespace zell::addon {

Napi::Value ToOutputs(Napi::Env env, const std::vector<runtime::StepOutput>& outputs);
Napi::Int32Array ToInt32Array(Napi::Env env, std::span<const int32_t> values);
Napi::Uint8Array ToUint8Array(Napi::Env env, std::string_view bytes);

}  // namespace zell::addon
