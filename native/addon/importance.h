// `measureImportance` of the addon.
#pragma once

#include <napi.h>

namespace zell::addon {

/// (job, model, [text], output, {threads?, chunkTokens?}, onProgress) → promise of the report.
Napi::Value MeasureImportance(const Napi::CallbackInfo& info);

}  // namespace zell::addon
