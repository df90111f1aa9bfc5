// `quantize` of the addon.
#pragma once

#include <napi.h>

namespace zell::addon {

/// (job, input, output, {type, importance?, threads?}, onProgress) → promise of the report.
Napi::Value Quantize(const Napi::CallbackInfo& info);

}  // namespace zell::addon
