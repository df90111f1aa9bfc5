// ModelSummary and ModelInfo of protocol/src/engine.ts.
#pragma once

#include <napi.h>

#include "runtime/engine.h"
#include "runtime/summary.h"

namespace zell::addon {

Napi::Object ToSummary(Napi::Env env, const runtime::Summary& summary);
Napi::Object ToInfo(Napi::Env env, const runtime::Engine& engine);

/// NativeAdapter of engine-host/src/engine/native/binding.ts.
Napi::Object ToAdapter(Napi::Env env, const lora::AdapterInfo& adapter);

}  // namespace zell::addon
