// `quantize` and `cancelQuantize` of the addon.
#pragma once

#include <napi.h>

namespace zell::addon {

/// (job, input, output, {type, importance?, threads?}, onProgress) → promise of the report.
Napi::Value Quantize(const Napi::CallbackInfo& info);
/// (job): its promise rejects with `cancelled` soon; nothing happens when no such job runs.
void CancelQuantize(const Napi::CallbackInfo& info);

}  // namespace zell::addon
